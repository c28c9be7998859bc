"""What this package publishes; light, for it is imported by every list."""

from kzoo.plugin import CommandSpec, PipelineSpec, hookimpl


@hookimpl
def kzoo_pipelines():
    return [
        PipelineSpec(
            name="textures",
            target="kzoo_example_pipeline.pipeline:Textures",
            task="classification",
            flags={"filters": "model.filters"},
            summary="Photos of surfaces, told apart by their texture.",
        )
    ]


@hookimpl
def kzoo_commands():
    return [
        CommandSpec(
            name="count_textures",
            target="kzoo_example_pipeline.command:count_textures",
            summary="Count the textures in a folder of photos.",
        )
    ]
