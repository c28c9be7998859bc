"""The picture of a terminal: what stays on it, and what is drawn of it."""

import re

from website.terminal import draw, left


def test_what_stays_on_a_terminal_is_the_last_form_of_each_line():
    written = (
        "mnist\r\n"
        "\x1b[?25lepoch 1  ###\r\x1b[2Kepoch 1  ######\r\n\x1b[1A\x1b[2Kepoch 1  loss 2\r\n"
        "\x1b[?25h\x1b[1mMETRIC\x1b[0m\r\n\r\n"
        "slow\rfast\r\n"
    )
    assert left(written) == "mnist\nepoch 1  loss 2\n\x1b[1mMETRIC\x1b[0m\nfast"


def test_the_picture_shows_commands_and_loads_nothing():
    picture = draw([("kzoo run mnist", "\x1b[31merror:\x1b[0m none & <done>")])
    text = re.sub(r"<[^>]+>", "", picture).replace("&#160;", " ")
    assert "$ kzoo run mnist" in text
    assert "error: none &amp; &lt;done&gt;" in text
    assert re.findall(r"@font-face|url\((?!#)|href=", picture) == []
    assert "Fira Code" not in picture
