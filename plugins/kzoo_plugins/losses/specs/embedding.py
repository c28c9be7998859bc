"""Losses on embeddings."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

_OTHERS_COUNT = {
    "batches_add_up": "A sample is compared with the others of its batch, so its value depends on which they are."
}
_TFA_DISTANCES = (
    "The default distance is the squared Euclidean one, `squared-L2` in TensorFlow Addons; the default there, `L2`, is "
    "`l2` here. A function as distance is not taken."
)
_SHARE = "A sample's value is its share in the batch's loss times the number of samples, so that the mean is the loss."

LOSSES: list[LossSpec] = [
    LossSpec(
        name="triplet_semihard",
        target="kzoo_plugins.losses.triplet:TripletSemiHard",
        summary="Triplet loss of all pairs of a class, each with the nearest negative beyond it.",
        aliases=("triplet_semi_hard", "triplet_semihard_loss"),
        tasks={"embedding"},
        inputs="embeddings",
        properties={"range": (0, None)},
        example={"margin": 0.2, "normalize": True},
        note=f"Embeddings should have length 1: the network does it, or `normalize=true`. {_TFA_DISTANCES} {_SHARE}",
        successor_of=("tfa.losses.TripletSemiHardLoss", "tfa.losses.triplet_semihard_loss"),
        expected_failures=_OTHERS_COUNT,
        reference="Schroff et al. 2015, https://arxiv.org/abs/1503.03832",
    ),
    LossSpec(
        name="triplet_hard",
        target="kzoo_plugins.losses.triplet:TripletHard",
        summary="Triplet loss of each sample with the farthest of its class and the nearest of another.",
        aliases=("batch_hard", "triplet_hard_loss"),
        tasks={"embedding"},
        inputs="embeddings",
        properties={"range": (0, None)},
        example={"soft": True, "distance_metric": "l2"},
        note=(
            f"{_TFA_DISTANCES} A sample alone in its class is its own positive, at distance 0. The paper takes `l2`, "
            "with which embeddings are less likely to collapse."
        ),
        successor_of=("tfa.losses.TripletHardLoss", "tfa.losses.triplet_hard_loss"),
        expected_failures=_OTHERS_COUNT,
        reference="Hermans et al. 2017, https://arxiv.org/abs/1703.07737",
    ),
    LossSpec(
        name="contrastive",
        target="kzoo_plugins.losses.contrastive:Contrastive",
        summary="Squared distance of pairs that belong together; for others, what lacks to a margin, squared.",
        aliases=("contrastive_loss",),
        tasks={"embedding"},
        targets=frozenset(),
        inputs="distances",
        properties={"range": (0, None)},
        example={"margin": 1.0},
        note="The network outputs the distance of a pair; labels are 1 for a pair that belongs together, else 0.",
        successor_of=("tfa.losses.ContrastiveLoss", "tfa.losses.contrastive_loss"),
        reference="Hadsell et al. 2006, https://doi.org/10.1109/CVPR.2006.100",
    ),
    LossSpec(
        name="supcon",
        target="kzoo_plugins.losses.contrastive:SupCon",
        summary="Supervised contrastive loss: log-softmax of the likeness to each other sample of the class.",
        aliases=("supervised_contrastive", "supcon_loss"),
        tasks={"embedding"},
        inputs="embeddings",
        views="of_classes",
        properties={"range": (0, None)},
        example={"temperature": 0.1},
        note=f"The mean is over the samples that are not alone in their class. {_SHARE}",
        expected_failures=_OTHERS_COUNT,
        reference="Khosla et al. 2020, https://arxiv.org/abs/2004.11362",
    ),
    LossSpec(
        name="ntxent",
        target="kzoo_plugins.losses.contrastive:NTXent",
        summary="SimCLR's loss: crossentropy of finding the other view of an image among all images.",
        aliases=("nt_xent", "ntxent_loss"),
        tasks={"embedding"},
        inputs="embeddings",
        views="of_samples",
        properties={"range": (0, None)},
        example={"temperature": 0.5},
        note=(
            "The label is the number of the image: two views of n images, one batch after the other, have the labels "
            f"0 ... n - 1 twice. {_SHARE}"
        ),
        expected_failures=_OTHERS_COUNT,
        reference="Chen et al. 2020, https://arxiv.org/abs/2002.05709",
    ),
    LossSpec(
        name="multi_similarity",
        target="kzoo_plugins.losses.pairs:MultiSimilarity",
        summary="Two soft maxima for each sample: the least alike of its class and the most alike of others.",
        aliases=("ms_loss", "multi_similarity_loss"),
        tasks={"embedding"},
        inputs="embeddings",
        properties={"range": (0, None)},
        example={"epsilon": 0.1},
        note="`epsilon=0.1` picks pairs as the paper does; without it all pairs of the batch count.",
        expected_failures=_OTHERS_COUNT,
        reference="Wang et al. 2019, https://arxiv.org/abs/1904.06627",
    ),
    LossSpec(
        name="circle",
        target="kzoo_plugins.losses.circle:Circle",
        summary="Each pair is drawn or pushed by as much as its cosine is away from where it shall be.",
        aliases=("circle_loss",),
        tasks={"embedding"},
        inputs="embeddings",
        properties={"range": (0, None)},
        example={"margin": 0.25, "gamma": 256},
        note=(
            "The weights of the pairs are constants for the gradient, as in the paper; in Keras's, `keras_circle`, "
            "they are not. The mean is over the samples that have others of their class and of another one."
        ),
        expected_failures={
            **_OTHERS_COUNT,
            "gradient": "The weights of the pairs are constants for the gradient, as the paper has it.",
        },
        reference="Sun et al. 2020, https://arxiv.org/abs/2002.10857",
    ),
    LossSpec(
        name="npairs",
        target="kzoo_plugins.losses.npairs:NPairs",
        summary="Each anchor shall find its partner among the partners of all classes, by a softmax of products.",
        aliases=("n_pairs", "npairs_loss", "npairs_multilabel_loss"),
        tasks={"embedding"},
        inputs="embeddings",
        properties={"range": (0, None)},
        example={"l2": 0.002},
        note=(
            "Of each class in the batch the first sample is the anchor and the second its partner; others are left "
            "out. `from_similarities=true` takes the matrix of similarities that TensorFlow Addons took, with class "
            f"indices or multi-hot labels. {_SHARE}"
        ),
        successor_of=(
            "tfa.losses.NpairsLoss",
            "tfa.losses.npairs_loss",
            "tfa.losses.NpairsMultilabelLoss",
            "tfa.losses.npairs_multilabel_loss",
        ),
        expected_failures=_OTHERS_COUNT,
        reference="Sohn 2016, https://proceedings.neurips.cc/paper/2016/hash/6b180037abbebea991d8b1232f8a8ca9-Abstract.html",
    ),
    LossSpec(
        name="lifted_struct",
        target="kzoo_plugins.losses.pairs:LiftedStruct",
        summary="Lifted structure loss: each pair of a class against all negatives of both its samples.",
        aliases=("lifted_structure", "lifted_struct_loss"),
        tasks={"embedding"},
        inputs="embeddings",
        properties={"range": (0, None)},
        example={"margin": 1.0},
        note=f"Embeddings are not meant to have length 1. {_SHARE}",
        successor_of=("tfa.losses.LiftedStructLoss", "tfa.losses.lifted_struct_loss"),
        expected_failures=_OTHERS_COUNT,
        reference="Song et al. 2016, https://arxiv.org/abs/1511.06452",
    ),
    LossSpec(
        name="arcface",
        target="kzoo_plugins.losses.angular:ArcFace",
        summary="Crossentropy of scaled cosines, with the angle to the true class widened by a margin.",
        aliases=("arc_face", "additive_angular_margin"),
        tasks={"embedding"},
        inputs="cosines",
        properties={"range": (0, None)},
        example={"margin": 0.5, "scale": 64},
        note=(
            "The network ends in cosines: products of embeddings of length 1 with class directions of length 1, "
            "without a bias. The margin is in radians, where pytorch-metric-learning takes degrees."
        ),
        reference="Deng et al. 2019, https://arxiv.org/abs/1801.07698",
    ),
    LossSpec(
        name="cosface",
        target="kzoo_plugins.losses.angular:CosFace",
        summary="Crossentropy of scaled cosines, with the cosine of the true class made smaller by a margin.",
        aliases=("cos_face", "large_margin_cosine"),
        tasks={"embedding"},
        inputs="cosines",
        properties={"range": (0, None)},
        example={"margin": 0.35, "scale": 64},
        note=(
            "The network ends in cosines: products of embeddings of length 1 with class directions of length 1, "
            "without a bias."
        ),
        reference="Wang et al. 2018, https://arxiv.org/abs/1801.09414",
    ),
    LossSpec(
        name="proxy_anchor",
        target="kzoo_plugins.losses.proxy_anchor:ProxyAnchor",
        summary="Each class's direction against the whole batch, of which the hard samples weigh the most.",
        aliases=("proxyanchor", "proxy_anchor_loss"),
        tasks={"embedding"},
        inputs="cosines",
        properties={"range": (0, None)},
        example={"margin": 0.1, "alpha": 32},
        note=(
            "The network ends in cosines: products of embeddings of length 1 with class directions of length 1, "
            f"without a bias. The authors give the class directions a hundred times the learning rate. {_SHARE}"
        ),
        expected_failures=_OTHERS_COUNT,
        reference="Kim et al. 2020, https://arxiv.org/abs/2003.13911",
    ),
]
