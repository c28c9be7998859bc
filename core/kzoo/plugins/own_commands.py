"""kzoo's own commands: found without loading a plugin, and with names that no plugin may take."""

from __future__ import annotations

from kzoo.plugin import CommandSpec

__all__ = ["OWN_COMMANDS", "typed"]


def typed(name: str) -> str:
    """Return a command's name as people type it: with dashes."""
    return name.replace("_", "-")


def _own(section: str, name: str, target: str, summary: str) -> CommandSpec:
    return CommandSpec(name=name, target=f"kzoo.cli.{target}", summary=summary, section=section)


OWN_COMMANDS: dict[str, CommandSpec] = {
    typed(spec.name): spec
    for spec in (
        _own("Components", "list_losses", "listing:list_losses", "List the losses."),
        _own("Components", "list_metrics", "listing:list_metrics", "List the metrics."),
        _own(
            "Components",
            "list_optimizers",
            "listing:list_optimizers",
            "List the optimizers and learning-rate schedules.",
        ),
        _own("Components", "list_regularizers", "listing:list_regularizers", "List the regularizers."),
        _own("Components", "list_trackers", "listing:list_trackers", "List the trackers of runs."),
        _own("Components", "info", "info:info", "Show all that is known of a component or pipeline."),
        _own("Pipelines", "list_pipelines", "listing:list_pipelines", "List the pipelines of the zoo."),
        _own("Pipelines", "run", "run:run", "Train and test a pipeline, with any component in it."),
        _own("Pipelines", "evaluate", "evaluate:evaluate", "Test a trained model."),
        _own("Pipelines", "predict", "predict:predict", "Predict images, videos, a camera or the rows of a table."),
        _own("Pipelines", "demo", "demo:demo", "Try a model out in a browser: pictures, the camera, rows."),
        _own("Pipelines", "export", "export:export", "Write a trained model for ONNX, LiteRT, OpenVINO or Serving."),
        _own("Pipelines", "push", "push:push", "Publish a model on the Hugging Face hub."),
        _own("Pipelines", "pull", "pull:pull", "Fetch a model from the Hugging Face hub."),
        _own(
            "Pipelines",
            "check",
            "check:check",
            "Say what a model file is, without building it.",
        ),
        _own("Pipelines", "capture", "capture:capture", "Record labelled frames of a camera or a video."),
        _own("Pipelines", "report", "report:report", "Draw the pictures of a run and write its report.html."),
        _own("Pipelines", "runs", "runs:runs", "List the runs of a folder and their results."),
        _own(
            "Pipelines",
            "compare",
            "compare:compare",
            "Train over seeds and say which loss or setting is better.",
        ),
        _own("Pipelines", "tune", "tune:tune", "Find better settings, and say whether they beat the default."),
        _own("Pipelines", "repro", "repro:repro", "Train a run again and say whether it comes to the same."),
        _own("Pipelines", "fetch", "fetch:fetch", "Download the real data of pipelines."),
        _own("Plugins", "list_plugins", "listing:list_plugins", "List the installed plugins and their state."),
        _own("Plugins", "install", "install:install", "Install plugins beside kzoo."),
        _own("Plugins", "uninstall", "install:uninstall", "Take plugins away."),
        _own("Plugins", "new_plugin", "new_plugin:new_plugin", "Write a plugin of your own to start from."),
        _own("Plugins", "check_plugin", "check_plugin:check_plugin", "Check an installed plugin."),
        _own("Help", "doctor", "doctor:doctor", "Show versions, plugins, cameras and folders, and what is wrong."),
    )
}
"""Every command of the toolkit itself, by the name that is typed. A command's module is imported when it is called."""
