"""What to answer to the names of TensorFlow Addons 0.23: what differs in the successor, or what to do instead.

The successor itself is the component whose spec has the name in ``successor_of``. Losses were compared with the code of
TensorFlow Addons 0.23: with the arguments named here their values are the same.
"""

from __future__ import annotations

from kzoo.plugin import FormerName

__all__ = ["FORMER_NAMES"]

_TRIPLET = (
    "Distances have other names and another default: `distance_metric` is `l2` for `L2`, the old default, `squared_l2` "
    "for `squared-L2` and `angular` for `angular`; a function is not taken. So the old default is `{}`. Give "
    "`normalize=true` where the network does not make embeddings of length 1."
)
_NPAIRS = (
    "Both were functions of a matrix of similarities: `npairs:from_similarities=true` takes that matrix, with class "
    "indices or multi-hot labels, and has the same values. Without it, it takes the embeddings themselves."
)
_PINBALL = "The same, with a list of `tau` as well: one output for each."
_FOCAL = (
    "The default is the mean over all elements; the old one was the sum over the last axis with no reduction, which is "
    "the mean times the number of outputs. No balancing is `alpha=null`, where it was `alpha=0`."
)
_GIOU = (
    "Boxes are x1, y1, x2, y2 where they were y1, x1, y2, x2; the values are the same in either order. `mode='iou'` is "
    "left out: boxes that do not overlap have no gradient in it. `diou` and `ciou` are further forms."
)
_SPARSEMAX = (
    "It takes logits with `sparsemax:from_logits=true`, as the old one did by default. The function took the sparsemax "
    "of the logits as an argument and the labels last; here it is `(y_true, y_pred)` as everywhere."
)
_LIFTED = "The same loss of a batch. A sample's value is its share in it, so that sample weights work."
_HAMMING = (
    "`mode='multilabel'` is `hamming_loss:multilabel=true`, and `mode='multiclass'` the default, which takes the most "
    "probable class. `threshold` is 0.5 unless given and is for yes-or-no outputs; there was no default, which meant "
    "the largest output of a sample."
)
_CORRELATION = (
    "It ranks the values themselves, of up to `capacity` samples, drawn evenly from all that were seen; the old one "
    "sorted them into 100 bins between `actual_min` and `actual_max`, 0 and 1 unless given, and cut off what lay "
    "outside. "
)
_F_SCORE = (
    "Keras has taken it over. `num_classes` is not given any more: the first batch says it. A single sigmoid output "
    "needs `threshold=0.5`: without it every output counts as a yes."
)
_MEAN = (
    "In Python `update_state(values)` averages values, as the old one did; as a metric of a pipeline it is that of the "
    "absolute errors."
)
_CYCLE = (
    "`maximal_learning_rate` is `max_learning_rate`; `step_size` is a whole number of steps. "
    "`cyclical:mode={}` scales as the old `scale_mode='{}'` did, its default; the other is left out."
)
_DECAY = (
    "It was not multiplied by the learning rate, and in Keras it is: divide the old number by the learning rate. Then "
    "it also follows a schedule. Variables are left out with the optimizer's method `exclude_from_weight_decay`."
)
_BASE_DECAY = f"Every optimizer of Keras has `weight_decay`, so none has to be extended. {_DECAY}"

# Group, names, answer. The class and the function of one loss have the same answer.
_TABLE = (
    ("losses", "ContrastiveLoss contrastive_loss", "The same, of the distance of each pair."),
    ("losses", "GIoULoss giou_loss", _GIOU),
    ("losses", "LiftedStructLoss lifted_struct_loss", _LIFTED),
    ("losses", "NpairsLoss npairs_loss NpairsMultilabelLoss npairs_multilabel_loss", _NPAIRS),
    ("losses", "PinballLoss pinball_loss", _PINBALL),
    ("losses", "SigmoidFocalCrossEntropy sigmoid_focal_crossentropy", _FOCAL),
    ("losses", "SparsemaxLoss sparsemax_loss", _SPARSEMAX),
    ("losses", "TripletHardLoss triplet_hard_loss", _TRIPLET.format("triplet_hard:distance_metric=l2")),
    ("losses", "TripletSemiHardLoss triplet_semihard_loss", _TRIPLET.format("triplet_semihard:distance_metric=l2")),
    (
        "losses",
        "WeightedKappaLoss",
        (
            "`weightage` is `weights`, and `num_classes` is read from the predictions. The old one had no reduction, "
            "but one number for the batch all the same. It takes class indices and logits too."
        ),
    ),
    (
        "metrics",
        "CohenKappa",
        (
            "`weightage` is `weights`. `num_classes` need not be given, nor `sparse_labels`: the form of the labels "
            "is seen. `regression=True` is left out: give class indices or probabilities."
        ),
    ),
    ("metrics", "F1Score", _F_SCORE),
    ("metrics", "FBetaScore", _F_SCORE),
    ("metrics", "GeometricMean", _MEAN),
    ("metrics", "HammingLoss hamming_loss_fn", _HAMMING),
    (
        "metrics",
        "hamming_distance",
        "The function compared two sequences of bits: that is `hamming_loss:multilabel=true`, whose inputs are rows.",
    ),
    ("metrics", "HarmonicMean", _MEAN),
    ("metrics", "KendallsTauB", _CORRELATION + "It is `kendall` as it stands."),
    ("metrics", "KendallsTauC", _CORRELATION + "It is `kendall:variant=c`."),
    ("metrics", "KendallsTau", "An earlier name of KendallsTauB, gone before 0.23: `kendall` as it stands."),
    (
        "metrics",
        "MatthewsCorrelationCoefficient",
        "`num_classes` need not be given. Labels may be class indices, and predictions probabilities.",
    ),
    (
        "metrics",
        "MeanMetricWrapper",
        (
            "Keras has it as `keras.metrics.MeanMetricWrapper`. With kzoo's base classes, `kzoo.component.MeanMetric` "
            "makes a metric of a function of each sample."
        ),
    ),
    (
        "metrics",
        "MultiLabelConfusionMatrix",
        (
            "It is `confusion_matrix:multilabel=true`, one 2 x 2 matrix for each label. Outputs are probabilities, "
            "with `threshold=0.5` by default, where they had to be 0 or 1; sample weights count, which they did not."
        ),
    ),
    (
        "metrics",
        "PearsonsCorrelation",
        (
            "Keras's is `pearson_correlation:axis=0`, the mean over batches of what each batch gives; the old one "
            "sorted all values into bins. `spearman`, of ranks, is over all samples."
        ),
    ),
    (
        "metrics",
        "RSquare",
        (
            "The same `multioutput` and `num_regressors`. With several outputs the old one, as Keras's R2Score does, "
            "counted each of them as one more sample when it adjusted; `adjusted_r2` counts samples."
        ),
    ),
    ("metrics", "SpearmansRank", _CORRELATION + "It is `spearman`."),
    (
        "optimizers",
        "AdaBelief",
        (
            "The old defaults are `adabelief:rectify=true,epsilon=1e-14`. `amsgrad` is left out. For `total_steps`, "
            "`warmup_proportion` and `min_lr` take a schedule: `warmup_cosine`, or `warmup_stable_decay` with a "
            "linear decay of all that follows the warm-up, as the old one had."
        ),
    ),
    ("optimizers", "AdamW", f"Keras has taken it over. `weight_decay` means something else. {_DECAY}"),
    (
        "optimizers",
        "AveragedOptimizerWrapper",
        (
            "It was the base class of averages of the weights. Ready ones are `swa` and, for every optimizer, "
            "`use_ema=true`; to write another, derive from `kzoo_plugins.optimizers.averaging.SwapsWeights`."
        ),
    ),
    (
        "optimizers",
        "COCOB",
        "The same. It has a `learning_rate` beside `alpha`, for schedules; a constant one changes nothing.",
    ),
    (
        "optimizers",
        "ConditionalGradient",
        (
            "`lambda_` is `radius`, `ord='fro'` is `norm=frobenius` and `'nuclear'` is `norm=nuclear`. "
            "`learning_rate` is the part of the way that a step goes, which was 1 minus the old one: its 0.99 is "
            "`conditional_gradient:radius=0.01,learning_rate=0.01`."
        ),
    ),
    (
        "optimizers",
        "CyclicalLearningRate",
        (
            "`maximal_learning_rate` is `max_learning_rate`. In place of a function `scale_fn` there are three modes, "
            "`triangular`, `triangular2` and `exp_range`; for any other scale, derive from "
            "`keras.optimizers.schedules.LearningRateSchedule`."
        ),
    ),
    ("optimizers", "DecoupledWeightDecayExtension extend_with_decoupled_weight_decay", _BASE_DECAY),
    ("optimizers", "ExponentialCyclicalLearningRate", _CYCLE.format("exp_range", "iterations")),
    (
        "optimizers",
        "KerasLegacyOptimizer",
        "It was the base class of optimizers in Keras 2. Derive from `keras.optimizers.Optimizer`.",
    ),
    (
        "optimizers",
        "LAMB",
        (
            "Keras has taken it over, with `epsilon=1e-7` where it was 1e-6. Its weight decay stays outside of the "
            "scaling by layer, where the old one, as the paper, had it inside. There is no "
            "`exclude_from_layer_adaptation`."
        ),
    ),
    (
        "optimizers",
        "LazyAdam",
        (
            "The same defaults. A row that is looked up several times takes one step with the sum of its gradients, as "
            "it did. `amsgrad` is left out."
        ),
    ),
    (
        "optimizers",
        "Lookahead",
        (
            "`sync_period` is `k`, 5 by default as in the paper and not 6; `slow_step_size` is `alpha`; `optimizer` "
            "is `inner`. The old default is `lookahead:inner=adam,k=6`."
        ),
    ),
    (
        "optimizers",
        "MovingAverage",
        (
            "Every optimizer of Keras has it: `use_ema=true` and `ema_momentum`, 0.99 by default, for "
            "`average_decay`. kzoo validates and saves the averaged weights. `start_step` and `dynamic_decay` are "
            "left out."
        ),
    ),
    (
        "optimizers",
        "MultiOptimizer",
        (
            "Keras has it as `keras.optimizers.MultiOptimizer`, which takes no layers but a "
            "`keras.optimizers.OptimizerMap` from patterns of variable paths to optimizers, or a function of the "
            "variable. It takes objects and no names, so it is used in Python only."
        ),
    ),
    (
        "optimizers",
        "NovoGrad",
        (
            "The old defaults are `novograd:learning_rate=0.001,beta_1=0.9,beta_2=0.999,epsilon=1e-7`; here they are "
            "the paper's. `amsgrad` is left out. With a schedule the old momentum went on with the rates of earlier "
            "steps."
        ),
    ),
    (
        "optimizers",
        "ProximalAdagrad",
        (
            "The same arguments and defaults. Of an embedding only those rows move that a batch looks up, as before; "
            "`weight_decay`, which is new, is of all rows."
        ),
    ),
    (
        "optimizers",
        "RectifiedAdam",
        (
            "`sma_threshold` is `threshold`, and the old epsilon is `radam:epsilon=1e-7`. `amsgrad` is left out. For "
            "`total_steps`, `warmup_proportion` and `min_lr` take a schedule."
        ),
    ),
    ("optimizers", "SGDW", f"It is `sgd:momentum=0.9,weight_decay=0.01`, with numbers of your own. {_DECAY}"),
    (
        "optimizers",
        "SWA",
        (
            "`start_averaging` is `start`, `average_period` is `period`, `optimizer` is `inner`. The first weights "
            "enter the mean `period` steps after `start`; in the old one those at `start` did too. Evaluation and "
            "saved files have the mean without a callback or `assign_average_vars`."
        ),
    ),
    ("optimizers", "Triangular2CyclicalLearningRate", _CYCLE.format("triangular2", "cycle")),
    ("optimizers", "TriangularCyclicalLearningRate", _CYCLE.format("triangular", "cycle")),
    (
        "optimizers",
        "Yogi",
        (
            "`beta1` and `beta2` are `beta_1` and `beta_2`. `epsilon` is added to the corrected root, where it was "
            "added before the correction and so weighed more in the first steps. `activation='tanh'` and the "
            "penalties inside of the step are left out: use `--regularizer`."
        ),
    ),
)

FORMER_NAMES: list[FormerName] = [
    FormerName(name=f"tfa.{group}.{name}", answer=answer, package="tensorflow_addons")
    for group, names, answer in _TABLE
    for name in names.split()
]
"""Every public loss, metric and optimizer of TensorFlow Addons 0.23."""
