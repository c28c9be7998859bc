"""The pipelines of the zoo and their commands, as kzoo finds them through its entry point."""

from __future__ import annotations

from kzoo.plugin import CommandSpec, PipelineSpec, hookimpl

__all__ = ["kzoo_commands", "kzoo_pipelines"]


@hookimpl
def kzoo_pipelines() -> list[PipelineSpec]:
    """Return the pipelines of the zoo."""
    return [
        PipelineSpec(
            name="mnist",
            target="kzoo_zoo.mnist.pipeline:Mnist",
            task="classification",
            recipes=("best", "classic", "default", "fast", "general", "quick"),
            summary="Handwritten digits, or other small gray pictures of the user's own, 28x28.",
            reference="LeCun, Bottou, Bengio, Haffner 1998",
        ),
        PipelineSpec(
            name="cifar10",
            target="kzoo_zoo.cifar10.pipeline:Cifar10",
            task="classification",
            recipes=("best", "classic", "default", "fast", "long", "quick"),
            summary="Small colour photos, 32x32, ten classes of animals and vehicles.",
            reference="Krizhevsky 2009",
        ),
        PipelineSpec(
            name="cats_vs_dogs",
            target="kzoo_zoo.cats_vs_dogs.pipeline:CatsVsDogs",
            task="binary",
            other_tasks=("classification", "multilabel", "distribution"),
            aliases=("photos",),
            recipes=("classic", "default", "fast", "finetune", "histogram", "labels", "quick", "transfer"),
            flags={"weights": "model.weights", "image-size": "data.image_size", "labels": "data.labels"},
            summary="Photos of the user's own, by folders or a list of labels; by itself, cats and dogs.",
            reference="Elson, Douceur, Howell, Saul 2007",
        ),
        PipelineSpec(
            name="regression",
            target="kzoo_zoo.regression.pipeline:Regression",
            task="regression",
            recipes=("classic", "default", "quick"),
            flags={"target": "data.target"},
            summary="A number predicted from the other columns of a table (CSV); by itself, a noisy wave.",
        ),
        PipelineSpec(
            name="fingers",
            target="kzoo_zoo.fingers.pipeline:Fingers",
            task="ordinal",
            recipes=("classic", "default", "emd", "finetune", "quick"),
            summary="Fingers of a hand before a camera, 0 to 5 or no hand: by a network, or by the hand's outline.",
            reference="Malima, Ozgur, Cetin 2006 (the outline)",
        ),
        PipelineSpec(
            name="segmentation",
            target="kzoo_zoo.segmentation.pipeline:Segmentation",
            task="segmentation",
            recipes=("classic", "default", "quick"),
            flags={"format": "data.format", "image-size": "data.image_size", "network": "model.network"},
            summary="The class of every pixel, by a U-Net, from masks of the user's own; by itself, pets and shapes.",
            reference="Ronneberger, Fischer, Brox 2015, https://arxiv.org/abs/1505.04597",
        ),
        PipelineSpec(
            name="yolov3",
            target="kzoo_zoo.yolov3.pipeline:Yolo",
            task="detection",
            recipes=("classic", "default", "finetune", "quick"),
            formats=("darknet",),
            flags={
                "format": "data.format",
                "fix": "data.fix",
                "image-size": "data.image_size",
                "network": "model.network",
                "weights": "model.weights",
                "frozen": "model.frozen",
                "anchors": "model.anchors",
            },
            summary="Objects in pictures and the boxes around them: YOLOv3 and other networks of Darknet.",
            reference="Redmon, Farhadi 2018, https://arxiv.org/abs/1804.02767",
        ),
        PipelineSpec(
            name="restoration",
            target="kzoo_zoo.restoration.pipeline:Restoration",
            task="restoration",
            recipes=("default", "quick"),
            flags={"damage": "data.damage", "patch": "data.patch", "width": "model.width", "blocks": "model.blocks"},
            summary="Noise taken off pictures, small ones enlarged, blur and traces of JPEG undone, by one network.",
            reference="Zhang, Zuo, Zhang 2018 (FFDNet), https://arxiv.org/abs/1710.04026",
        ),
        PipelineSpec(
            name="transcription",
            target="kzoo_zoo.transcription.pipeline:Transcription",
            task="transcription",
            recipes=("classic", "default", "quick"),
            flags={
                "labels": "data.labels",
                "alphabet": "data.alphabet",
                "width": "data.width",
                "network": "model.network",
            },
            summary="Lines of text read off pictures: digits, serial numbers, captchas, words of the user's own.",
            reference="Shi, Bai, Yao 2017 (CRNN), https://arxiv.org/abs/1507.05717",
        ),
        PipelineSpec(
            name="embedding",
            target="kzoo_zoo.embedding.pipeline:Embedding",
            task="embedding",
            recipes=("classic", "default", "photos", "quick"),
            flags={
                "dimensions": "model.dimensions",
                "image-size": "data.image_size",
                "per-class": "model.per_class",
                "unseen": "data.unseen",
            },
            summary="Pictures as vectors: those of a kind lie near each other, also of kinds that were never learned.",
            reference="Lake, Salakhutdinov, Tenenbaum 2015 (Omniglot), https://doi.org/10.1126/science.aab3050",
        ),
    ]


@hookimpl
def kzoo_commands() -> list[CommandSpec]:
    """Return the commands of the zoo's pipelines."""
    return [
        CommandSpec(
            name="import_darknet",
            target="kzoo_zoo.yolov3.darknet.commands:import_darknet",
            section="Pipelines",
            summary="Make a model of Darknet's cfg and weights.",
        ),
        CommandSpec(
            name="export_darknet",
            target="kzoo_zoo.yolov3.darknet.commands:export_darknet",
            section="Pipelines",
            summary="Write a model's weights as a Darknet file.",
        ),
    ]
