"""A comparison as people, machines and pull requests take it: text, Markdown and JUnit."""

from __future__ import annotations

from application_sdk.monitoring.analysis.junit import Failure, junit
from application_sdk.monitoring.analysis.regressions.verdicts import Comparison, FunctionVerdict

MOST_FUNCTIONS = 8

_TITLES = {
    "regression": "Performance regression",
    "improvement": "Performance improvement",
    "unchanged": "No performance change",
    "inconclusive": "No verdict on performance",
}
_FAILS = ("regression", "inconclusive")


def comparison_text(comparison: Comparison, title: str) -> str:
    """The verdict, its reason, and the functions that changed."""
    lines = [f"{comparison.verdict.upper()}: {title}", comparison.explanation]
    lines += [f"Environments differ: {what}" for what in comparison.environment_mismatch]
    found = _changed(comparison)
    if found:
        lines += ["", "Functions that changed, largest effect first:"]
        for each in found[:MOST_FUNCTIONS]:
            lines.append(
                f"  {each.verdict:<12} {_ratio(each):>8} {each.share * 100:5.1f} % of the whole: "
                f"{each.function} ({each.file})"
            )
        left = len(found) - MOST_FUNCTIONS
        if left > 0:
            lines.append(f"  ... and {left} more")
    return "\n".join(lines)


def comparison_markdown(comparison: Comparison, title: str) -> str:
    """The comparison as Markdown, for a comment on a pull request."""
    lines = [f"### {_TITLES[comparison.verdict]}: `{_code(title)}`", "", comparison.explanation]
    if comparison.ratio is not None and comparison.confidence_interval is not None:
        low, high = comparison.confidence_interval
        lines += [
            "",
            "| candidate / baseline | 95 % interval |",
            "|---:|---:|",
            f"| x {comparison.ratio:.3f} | {low:.3f} to {high:.3f} |",
        ]
    for what in comparison.environment_mismatch:
        lines += ["", f"*The environments differ: {what}*"]
    found = _changed(comparison)
    if found:
        lines += ["", "| function | verdict | own cost | share | file |", "|---|---|---:|---:|---|"]
        for each in found[:MOST_FUNCTIONS]:
            lines.append(
                f"| `{_code(each.function)}` | {each.verdict} | {_ratio(each)} | "
                f"{each.share * 100:.1f} % | {_cell(each.file)} |"
            )
    return "\n".join([*lines, ""])


def comparison_junit(comparison: Comparison, title: str, seconds: float) -> bytes:
    """The comparison as a JUnit file of one test case; ``inconclusive`` fails too."""
    failure = None
    if comparison.verdict in _FAILS:
        text = comparison_text(comparison, title)
        failure = Failure(comparison.verdict, comparison.explanation, text)
    return junit("performance", title, seconds, failure)


def _changed(comparison: Comparison) -> list[FunctionVerdict]:
    return [each for each in comparison.functions if each.verdict in ("regression", "improvement")]


def _ratio(each: FunctionVerdict) -> str:
    return "new" if each.ratio is None else f"x {each.ratio:.2f}"


def _code(text: str) -> str:
    # No backquote can end the code span, no bar the cell.
    return _cell(text.replace("`", "'"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
