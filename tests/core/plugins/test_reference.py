import json
import random
import shlex
import string

import pytest

from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference, canonical_distribution, parse_setting, parse_value


@pytest.mark.parametrize(
    ("text", "name", "kwargs"),
    [
        ("emd", "emd", {}),
        ("  emd ", "emd", {}),
        ("focal:gamma=2,alpha=0.25", "focal", {"gamma": 2, "alpha": 0.25}),
        ("Cats-vs-Dogs", "cats_vs_dogs", {}),
        ("keras.losses.MeanSquaredError", "keras.losses.MeanSquaredError", {}),
        ("kzoo-foo:emd", "kzoo-foo:emd", {}),
        ("Kzoo_Foo.Bar:emd:p=1", "kzoo-foo-bar:emd", {"p": 1}),
        ("x:a=true,b=false,c=null", "x", {"a": True, "b": False, "c": None}),
        ("x:a=True,b=False,c=None", "x", {"a": True, "b": False, "c": None}),
        ("x:lr=1e-3,m=.5,n=2.,o=-.5,p=+3", "x", {"lr": 1e-3, "m": 0.5, "n": 2.0, "o": -0.5, "p": 3}),
        ('x:bins=[1,2,3],m={"a":[1,2]},z=1', "x", {"bins": [1, 2, 3], "m": {"a": [1, 2]}, "z": 1}),
        ('x:s="a,b=c:d \\" e"', "x", {"s": 'a,b=c:d " e'}),
        ("x:mode=soft,when=10:30", "x", {"mode": "soft", "when": "10:30"}),
        ('x:s="2"', "x", {"s": "2"}),
        ("x:id=007", "x", {"id": "007"}),
        ("x:reduction=none", "x", {"reduction": "none"}),
        ("d:x:when=a:b", "d:x", {"when": "a:b"}),
        ("x:bins=[.5,1.,1e-3],m=[True,None,007]", "x", {"bins": [0.5, 1.0, 1e-3], "m": [True, None, "007"]}),
        ("x:a=1, b=[ 2 , 3 ] , c=[]", "x", {"a": 1, "b": [2, 3], "c": []}),
        ("mix:losses=[dice, focal(gamma=2)]", "mix", {"losses": ["dice", {"name": "focal", "gamma": 2}]}),
        (
            "mix:losses=[kzoo-foo:emd,Kzoo_Foo:emd(p=1)]",
            "mix",
            {"losses": ["kzoo-foo:emd", {"name": "kzoo-foo:emd", "p": 1}]},
        ),
        (
            'mix:losses=["focal:gamma=2",{"name":"emd","p":1}]',
            "mix",
            {"losses": ["focal:gamma=2", {"name": "emd", "p": 1}]},
        ),
        (
            "ahead:inner=adam(learning_rate=Warm-Up( steps=5 ), name=mine),k=3",
            "ahead",
            {"inner": {"name": "adam:name=mine", "learning_rate": {"name": "warm_up", "steps": 5}}, "k": 3},
        ),
        ("ahead:inner=sgd()", "ahead", {"inner": {"name": "sgd"}}),
        ("focal(gamma=2)", "focal", {"gamma": 2}),
        ("d:focal( gamma=[1,2] )", "d:focal", {"gamma": [1, 2]}),
    ],
)
def test_parse(text, name, kwargs):
    found = Reference.parse(text)
    assert (found.name, found.kwargs) == (name, kwargs)
    assert {key: type(value) for key, value in found.kwargs.items()} == {k: type(v) for k, v in kwargs.items()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "name[:key=value,...]"),
        ("2fast", "name[:key=value,...]"),
        ("emd:", "expected key=value at ''"),
        ("emd:p=1,", "expected key=value at ''"),
        ("emd:p=1,,q=2", "expected key=value at ',q=2'"),
        ("emd:p=1,p=2", "gives `p` twice"),
        ("emd:p=", "does not start with a JSON value"),
        ("emd:p=[1,2", "the `[` after 'p=' is not closed"),
        ("emd:p=[1,,2]", "does not start with a JSON value"),
        ("emd:p=[1 2]", "does not start with a JSON value"),
        ("emd:p=1)", "expected nothing more, or a comma, at ')'"),
        ("mix:losses=[focal:gamma=2,emd]", "arguments in brackets, as in focal(gamma=2)"),
        ("adam:learning_rate=cosine:steps=2", "arguments in brackets, as in focal(gamma=2)"),
        ("mix:losses=[focal(gamma=2]", "expected `,` or `)` at ']'"),
        ("mix:losses=[focal(gamma=2),]", "does not start with a JSON value"),
        ("mix:losses=[focal(2)]", "expected key=value at '2)]'"),
        ("mix:losses=[focal(gamma=1,gamma=2)]", "gives `gamma` twice"),
        ("mix:losses=[2fast(gamma=2)]", "name[:key=value,...]"),
        ("mix:losses=[d:f:g(gamma=2)]", "'d:f:g(' is not a component's name before a bracket"),
        ("focal(gamma=2)x", "expected nothing more, or a comma, at 'x'"),
        ("focal(gamma=2) x", "expected nothing more, or a comma, at ' x'"),
        ("emd:p='1'", "does not start with a JSON value"),
        ("emd:1p=3", "expected key=value at '1p=3'"),
        ("-x-:emd:p=1", "is not a distribution's name"),
    ],
)
def test_parse_refuses(text, said):
    with pytest.raises(UsageError) as caught:
        Reference.parse(text)
    assert said in str(caught.value)
    assert text in str(caught.value)


LETTERS = string.ascii_letters + string.digits + " ,=:\"'()[]{}\\.+-_äß\n漢"
WORDS = [
    "emd",
    "focal(gamma=2)",
    "focal:gamma=2",
    "f()",
    "true",
    "None",
    "null",
    "1",
    ".5",
    "1e3",
    "NaN",
    "-",
    "",
    "[",
    "2.",
    "Infinity",
]


def _random_value(rng, depth=0):
    makers = [
        lambda: rng.randint(-(10**12), 10**12),
        lambda: rng.choice([rng.uniform(-1, 1) * 10 ** rng.randint(-30, 30), 0.0, 2.0, float("inf")]),
        lambda: rng.choice([rng.choice(WORDS), "".join(rng.choices(LETTERS, k=rng.randint(0, 12)))]),
        lambda: rng.random() < 0.5,
        lambda: None,
    ]
    if depth < 2:
        makers += [
            lambda: [_random_value(rng, depth + 1) for _ in range(rng.randint(0, 3))],
            lambda: {str(_random_value(rng, 2)): _random_value(rng, depth + 1) for _ in range(rng.randint(0, 3))},
            lambda: _random_reference(rng, depth + 1).to_mapping(),
            lambda: {"name": _random_value(rng, 2), "Name:x=1": _random_value(rng, 2)},
        ]
    return rng.choice(makers)()


def _random_reference(rng, depth=0):
    def word():
        return rng.choice(string.ascii_lowercase) + "".join(rng.choices(string.ascii_lowercase + "_0123456789", k=5))

    name = word() if rng.random() < 0.7 else f"{canonical_distribution(word().replace('_', 'x'))}:{word()}"
    keys = [*{word() for _ in range(rng.randint(0, 4))}, *(["name"] if rng.random() < 0.2 else [])]
    return Reference(name, {key: _random_value(rng, depth) for key in keys})


@pytest.mark.parametrize("seed", range(5))
def test_text_and_table_round_trip(seed):
    rng = random.Random(seed)
    for _ in range(400):
        reference = _random_reference(rng)
        text = str(reference)
        assert Reference.parse(text) == reference, text
        assert str(Reference.parse(text)) == text
        assert Reference.from_mapping(reference.to_mapping()) == reference, text
        assert Reference.parse(shlex.split(f"--loss {shlex.quote(text)}")[1]) == reference


def test_components_inside_a_component_are_written_as_they_are_read():
    text = "mix:losses=[focal(name=hard,gamma=2),dice,emd()],weights=[1,0.5],inner=sgd(learning_rate=warm(steps=5))"
    assert str(Reference.parse(text)) == text
    assert Reference.parse(text).slug.startswith("mix_losses_focal_name_hard_gamma_2_dice_emd_weights_1_0.5")
    # A table that no call stands for stays JSON: a name in another spelling, or with arguments of its own.
    for table in ({"name": "Focal"}, {"name": "focal:gamma=2"}, {"name": 3}, {"name": "f", "a b": 1}, {"gamma": 1}):
        written = str(Reference("mix", {"losses": [table]}))
        assert written == f"mix:losses=[{json.dumps(table, separators=(',', ':'))}]"


def test_an_object_has_a_name_in_messages():
    assert str(Reference("mix", {"losses": ["dice", object()], "inner": lambda: 0})) == (
        'mix:losses=[dice,"<object>"],inner="<function>"'
    )


def test_a_setting_is_a_call_a_list_or_any_value():
    assert parse_setting("[dice,focal(gamma=2)]") == ["dice", {"name": "focal", "gamma": 2}]
    assert parse_setting(" warm(steps=5) ") == {"name": "warm", "steps": 5}
    values = ("2", "adam", "focal:gamma=2", '["emd:p=1", 1e-5]', "a (b)", "", "None")
    assert [parse_setting(text) for text in values] == [parse_value(text) for text in values]
    for text in ("[dice", "focal(2)", "warm(steps=5)x"):
        with pytest.raises(UsageError, match="is not a component reference"):
            parse_setting(text)


def test_an_argument_called_name_survives_the_table_form():
    table = Reference.parse("top_k:k=3,name=top3").to_mapping()
    assert table == {"name": "top_k:name=top3", "k": 3}
    assert Reference.from_mapping(table).kwargs == {"name": "top3", "k": 3}


def test_table_form():
    assert Reference.from_mapping({"name": "focal", "gamma": 2}) == Reference("focal", {"gamma": 2})
    assert Reference.from_mapping({"name": "focal:gamma=1,alpha=3", "gamma": 2}).kwargs == {"gamma": 2, "alpha": 3}
    with pytest.raises(UsageError, match="needs a `name`"):
        Reference.from_mapping({"gamma": 2})
    with pytest.raises(UsageError, match="must be text"):
        Reference.from_mapping({"name": 3})


def test_read_takes_every_form():
    wanted = Reference("emd", {"p": 1})
    assert Reference.read("emd:p=1") == Reference.read({"name": "emd", "p": 1}) == Reference.read(wanted) == wanted


def test_parse_value_leaves_text_alone():
    assert [parse_value(text) for text in ("adam", "1.2.3", "1_000", "--x", "e5", "nan", "")] == [
        "adam",
        "1.2.3",
        "1_000",
        "--x",
        "e5",
        "nan",
        "",
    ]


def test_canonical_distribution_is_pep_503():
    # The names and results of the packaging guide's own examples.
    names = ("friendly-bard", "Friendly-Bard", "FRIENDLY-BARD", "friendly.bard", "friendly_bard", "friendly--bard")
    assert {canonical_distribution(name) for name in (*names, "FrIeNdLy-._.-bArD")} == {"friendly-bard"}


def test_deep_nesting_is_refused_and_not_a_crash():
    for text in ("[" * 100_000, "f(a=" * 100_000, '{"a":' * 100_000):
        with pytest.raises(UsageError):
            Reference.parse(f"x:a={text}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mixture:losses=[soft_dice", "the `[` after 'losses=' is not closed, and needs a `]`"),
        ("mixture:losses=[", "the `[` after 'losses=' is not closed, and needs a `]`"),
        ("mixture:losses=[a,focal(gamma=2", "the `(` after 'losses=[a,focal' is not closed, and needs a `)`"),
        ('mixture:losses={"a":1', "the `{` after 'losses=' is not closed, and needs a `}`"),
        ('x:title="a (b', "the `\"` after 'title=' is not closed, and needs a `\"`"),
        ("mixture:losses=[a,b(c=[1,2)]", "expected `,` or `]` at ')]'"),
        ("mixture:losses=[a]]", "expected nothing more, or a comma, at ']'"),
    ],
)
def test_a_bracket_that_is_not_closed_is_named_with_its_place(text, said):
    with pytest.raises(UsageError) as caught:
        Reference.parse(text)
    assert str(caught.value) == f"`{text}` is not a component reference: {said}."


@pytest.mark.parametrize("text", ["a." * 100_000 + "a", "emd(" * 100_000, "emd:a=" + "[" * 100_000, "x" * 300])
def test_what_nobody_writes_is_refused_by_its_length(text):
    with pytest.raises(UsageError, match=r"characters; the limit is") as caught:
        Reference.parse(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "losses", "weights"),
    [
        ("ssim+charbonnier", ["ssim", "charbonnier"], None),
        ("0.2*ssim + 0.8*charbonnier(epsilon=0.01)", ["ssim", {"name": "charbonnier", "epsilon": 0.01}], [0.2, 0.8]),
        ("emd(p=1) + 3*kzoo:soft-dice + -.5*emd", [{"name": "emd", "p": 1}, "kzoo:soft_dice", "emd"], [1, 3, -0.5]),
        ("1e-3 * emd", ["emd"], [1e-3]),
        ("join(a=[x(b=1)],c=2)+emd", [{"name": "join", "a": [{"name": "x", "b": 1}], "c": 2}, "emd"], None),
    ],
)
def test_a_sum_is_written_as_one(text, losses, weights):
    found = Reference.parse(text)
    assert found == Reference("sum", {"losses": losses, **({} if weights is None else {"weights": weights})})
    assert Reference.parse(str(found)) == found
    assert Reference.from_mapping(found.to_mapping()) == found
    assert "sum" not in str(found)
    assert Reference.parse(f"mixture:losses=[{json.dumps(text)}]").kwargs["losses"] == [text]


def test_what_only_looks_like_a_sum_is_none():
    assert Reference.parse("focal:gamma=1e+5").kwargs == {"gamma": 1e5}
    assert Reference.parse('x:title="2*3 + a"').kwargs == {"title": "2*3 + a"}
    assert str(Reference("sum", {"losses": ["a"], "weights": [1]})) == "sum:losses=[a],weights=[1]"
    assert str(Reference("sum", {"losses": [3, "a"]})) == "sum:losses=[3,a]"
    assert str(Reference("sum", {"losses": ["a", "b"], "weights": [1]})) == "sum:losses=[a,b],weights=[1]"
    assert str(Reference("sum", {"losses": ["a", "b"], "name": "x"})) == "sum:losses=[a,b],name=x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ssim+", "the name of a component is missing after the `+`"),
        ("soft_dice +", "the name of a component is missing after the `+`"),
        ("0.5*", "the name of a component is missing after the `*`"),
        ("emd + 2*", "the name of a component is missing after the `*`"),
        ("0.2ssim + charbonnier", "a factor is written with a `*`, as in 0.2*ssim"),
        ("charbonnier + 2.5 ssim", "a factor is written with a `*`, as in 2.5*ssim"),
        ("0.2ssim", "a factor is written with a `*`, as in 0.2*ssim"),
        ("0.2 ssim(a=1)", "a factor is written with a `*`, as in 0.2*ssim"),
        ("a ++ b", "expected the name of a component at '+ b'"),
        ("a + b:gamma=2", "arguments of a component are in brackets, as in 0.5*focal(gamma=2) + emd"),
        ("a + b=2", "arguments of a component are in brackets"),
        ("0.5*a b", "expected nothing more"),
        ("a + b(c=1", "the `(` after 'a + b' is not closed"),
        ("2*3*a", "name[:key=value,...]"),
        ("a*0.5", "name[:key=value,...]"),
    ],
)
def test_a_sum_that_is_none_is_refused(text, said):
    with pytest.raises(UsageError) as caught:
        Reference.parse(text)
    assert said in str(caught.value)
