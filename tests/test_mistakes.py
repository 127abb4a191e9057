"""What ``%%raises`` promises: a mistake is shown, and its absence is a failure."""

import pytest

pytest.importorskip("IPython", reason="IPython is not installed")

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

import arraylab


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    arraylab.load_ipython_extension(ip)
    yield ip
    InteractiveShell.clear_instance()


def run(shell, source):
    """Return the result of a cell and the text that it displayed."""
    with capture_output() as seen:
        result = shell.run_cell(source)
    return result, "\n".join(out.data["text/plain"] for out in seen.outputs)


def test_the_error_is_shown_and_the_next_cell_runs(shell):
    result, text = run(shell, "%%raises ZeroDivisionError\nx = 1\nx / 0")
    assert result.success
    assert text == "ZeroDivisionError: division by zero"
    assert shell.user_ns["x"] == 1


def test_a_class_above_the_error_will_do(shell):
    result, text = run(shell, "%%raises ArithmeticError\n1 / 0")
    assert result.success
    assert text.startswith("ZeroDivisionError")


def test_a_cell_without_the_error_fails(shell):
    result, _ = run(shell, "%%raises TypeError\nx = 1")
    assert isinstance(result.error_in_exec, AssertionError)
    assert "ended without an error" in str(result.error_in_exec)


def test_another_error_is_raised_as_it_is(shell):
    result, text = run(shell, "%%raises TypeError\n1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert text == ""


@pytest.mark.parametrize("line", ["", "two words", "3"])
def test_it_wants_one_name(shell, line):
    result, _ = run(shell, f"%%raises {line}\n1 / 0")
    assert isinstance(result.error_in_exec, UsageError)
    assert "For example: %%raises TypeError" in str(result.error_in_exec)


def test_a_long_message_is_cut_and_has_no_colours(shell):
    source = "raise ValueError('\\x1b[1mred\\x1b[0m\\n' + 'line\\n' * 50)"
    _, text = run(shell, f"%%raises ValueError\n{source}")
    assert text.startswith("ValueError: red\nline")
    assert text.endswith("line\n[...]")
    assert len(text.splitlines()) == 14


def test_the_message_is_no_html(shell):
    with capture_output() as seen:
        shell.run_cell("%%raises ValueError\nraise ValueError('<b>')")
    assert "ValueError: &lt;b&gt;" in seen.outputs[0].data["text/html"]


def test_the_source_of_an_earlier_cell_is_found(shell, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(shell.compile, "get_code_name", lambda _, code, n: kernel(code))

    def kernel(code):  # as ipykernel names its cells
        return f"/tmp/ipykernel_7/{abs(hash(code))}.py"

    code = "from numba import njit\n@njit\ndef f(x):\n    return x.lost\n"
    run(shell, code)
    _, text = run(shell, "%%raises TypingError\nf(1)")
    assert "an earlier cell, line 4:" in text
    assert "return x.lost" in text
    assert "ipykernel" not in text


def test_other_magics_and_sources_work_inside(shell):
    pytest.importorskip("numba")
    code = "from numba import njit\n@njit\ndef f(x):\n    return x.lost\nf(1)"
    result, text = run(shell, f"%%raises TypingError\n{code}")
    assert result.success
    assert "Unknown attribute 'lost'" in text
    assert "return x.lost" in text  # Numba found the source
