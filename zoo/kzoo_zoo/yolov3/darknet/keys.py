"""Which keys the sections of a cfg may have, and what is done with each.

A key is *read* (it shapes the network), *left out* (it concerns training in Darknet, or what happens to the boxes
afterwards), or *fixed* (it would change the network in a way that is not built here; only the value that changes
nothing is accepted). Any other key is an error: a typing mistake in ``stride`` must not go unnoticed.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo_zoo.yolov3.darknet.cfg import Section

__all__ = ["ALIASES", "check_keys"]

ALIASES = {"network": "net", "conv": "convolutional", "max": "maxpool", "avg": "avgpool", "soft": "softmax"}
"""Other names that Darknet has for a section."""


def _words(text: str) -> list[str]:
    return text.split()


_READ = {
    "net": "width height channels",
    "convolutional": "batch_normalize filters size stride pad padding groups activation dilation",
    "maxpool": "size stride padding",
    "upsample": "stride",
    "route": "layers groups group_id",
    "shortcut": "from activation",
    "dropout": "probability",
    "avgpool": "",
    "scale_channels": "from activation",
    "sam": "from activation",
    "reorg": "stride",
    "reorg3d": "stride",
    "softmax": "temperature tree",
    "cost": "",
    "yolo": "mask anchors classes num scale_x_y new_coords bins",
    "region": "anchors classes num softmax tree",
}

_LEFT_OUT = {
    "net": """
        batch subdivisions learning_rate learning_rate_min momentum decay angle saturation exposure hue aspect burn_in
        max_batches policy steps scales seq_scales scale step gamma power adam B1 B2 eps time_steps random flip blur
        gaussian_noise mixup cutmix mosaic mosaic_bound letter_box max_crop min_crop center label_smooth_eps ema_alpha
        loss_scale optimized_memory workspace_size_limit_MB try_fix_nan sgdr_cycle sgdr_mult batches_per_cycle
        batches_cycle_mult dynamic_minibatch augment_speed track resize_step contrastive contrastive_jit_flip
        contrastive_color unsupervised sequential_subdivisions init_sequential_subdivisions max_chart_loss
        use_cuda_graph num_sigmas_reject_badlabels badlabels_rejection_percentage badlabels_reject_threshold
        max_epochs max_ratio min_ratio seen
        equidistant_point weights_reject_freq adversarial_lr attention notruth train hyperparam_auto""",
    "yolo": """
        jitter ignore_thresh truth_thresh random iou_thresh iou_normalizer cls_normalizer obj_normalizer iou_loss
        nms_kind beta_nms resize max max_delta focal_loss label_smooth_eps counters_per_class objectness_smooth
        iou_thresh_kind thresh map show_details delta_normalizer uc_normalizer beta1 track_history_size sim_thresh
        dets_for_track dets_for_show track_ciou_norm""",
    "region": """
        jitter thresh random absolute bias_match rescore object_scale noobject_scale class_scale coord_scale mask_scale
        max resize focal_loss log sqrt map""",
    "cost": "type scale ratio noobject_scale thresh",
    "softmax": "noloss",
    "convolutional": "angle grad_centr reverse",
    "dropout": "dropblock dropblock_size dropblock_size_rel dropblock_size_abs",
    "*": """
        stopbackward learning_rate smooth onlyforward dont_update burnin_update train_only_bn clip stream
        wait_stream""",
}

_FIXED = {
    "convolutional": {
        "binary": "0", "xnor": "0", "bin_output": "0", "flipped": "0", "dot": "0", "antialiasing": "0",
        "share_index": "-1000000000", "assisted_excitation": "0", "rotate": "0", "stretch": "0", "sway": "0",
        "stretch_sway": "0", "deform": "0", "cbn": "0", "coordconv": "0",
    },
    "maxpool": {"maxpool_depth": "0", "antialiasing": "0", "out_channels": "1"},
    "upsample": {"scale": "1"},
    "shortcut": {"weights_type": "none", "weights_normalization": "none"},
    "scale_channels": {"scale_wh": "0"},
    "reorg": {"reverse": "0"},
    "reorg3d": {"reverse": "0"},
    "softmax": {"groups": "1", "spatial": "0"},
    "yolo": {"focal_loss_kind": "0", "embedding_layer": "0"},
    "region": {"coords": "4", "classfix": "0"},
    "*": {"dontload": "0", "dontloadscales": "0"},
}  # fmt: skip


_SIGNS = (
    "Darknet computes with the signs of weights and inputs there; OpenCV reads past it, and finds something else than "
    "the network learned."
)
_WHY = {"xnor": _SIGNS, "binary": _SIGNS}
"""What is to be said of a key beside that it is not supported."""

_NOT_BUILT = {
    **dict.fromkeys(
        _words(
            """activation active batchnorm connected conn contrastive control_channels conv_lstm crnn crop deconv
            deconvolutional empty gru history implicit l2norm local local_avg local_avgpool lrn lstm normalization rnn
            shift_channels silence"""
        ),
        "",
    ),
    "logistic": "it ends a classifier of classes that do not exclude each other",
    "detection": "it is the output of YOLOv1",
    "gaussian_yolo": "it tells how sure each side is, too",
    "yolo_bdp": "its boxes are turned",
    "iseg": "its objects have outlines",
}
"""Sections that Darknet or one of its branches has and this has not, and what there is to say of it."""


def check_keys(section: Section) -> None:
    """Refuse a section or key that is not known.

    A key may stand twice with two values where neither is read, as in many cfgs of the authors, which hold the batch
    sizes for training and for testing; Darknet takes the first.

    Raises:
        DataError: With the line, the key, and the nearest known one.
    """
    _check_section(section)
    read = _READ[section.name].split()
    left_out = f"{_LEFT_OUT.get(section.name, '')} {_LEFT_OUT['*']}".split()
    fixed = {**_FIXED["*"], **_FIXED.get(section.name, {})}
    # Strides for each axis are read where both say the same.
    if section.name in ("convolutional", "maxpool"):
        fixed |= dict.fromkeys(("stride_x", "stride_y"), section.text("stride", "1"))
    for key, entry in section.entries.items():
        if key in fixed:
            if entry.value != fixed[key]:
                why = f" {_WHY[key]}" if key in _WHY else ""
                section.fail(f"`{key}={entry.value}` is not supported; only {key}={fixed[key]} is.{why}", key)
        elif key not in read and key not in left_out:
            section.fail(f"the key `{key}` is not known{_near(key, (*read, *left_out, *fixed))}", key)
    for key, second in section.repeated.items():
        if key not in left_out:
            section.fail(
                f"the key `{key}` has a second value, {second.value}, in line {second.line}; this line says "
                f"{section.text(key)}.",
                key,
            )


def _check_section(section: Section) -> None:
    """Refuse a section that is not read."""
    if section.name in _READ:
        return
    known = f"The sections are: {', '.join(_READ)}."
    if section.name in _NOT_BUILT:
        reason = f": {_NOT_BUILT[section.name]}".removesuffix(": ")
        section.fail(f"Darknet knows this section, but it is not built here{reason}. {known}")
    section.fail(f"the section is not known{_near(section.name, tuple(_READ))} {known}")


def _near(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean `{near[0]}`?" if near else "."
