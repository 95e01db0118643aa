"""One finding as a JUnit file, which CI systems show beside the tests."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET


@dataclass(frozen=True)
class Failure:
    """Why a case failed.

    Attributes:
        kind: The verdict.
        message: One sentence.
        text: The whole report.
    """

    kind: str
    message: str
    text: str


def junit(suite: str, case: str, seconds: float, failure: Failure | None) -> bytes:
    """A JUnit file of one test case.

    Args:
        suite: The check's name, such as ``leaks``.
        case: What was checked.
        seconds: How long that took.
        failure: Why it failed; None when it did not.
    """
    time = f"{seconds:.3f}"
    suites = ET.Element("testsuites")
    element = ET.SubElement(
        suites,
        "testsuite",
        name=suite,
        tests="1",
        failures=str(int(failure is not None)),
        errors="0",
        skipped="0",
        time=time,
    )
    test = ET.SubElement(element, "testcase", classname=suite, name=case, time=time)
    if failure is not None:
        told = ET.SubElement(test, "failure", type=failure.kind, message=failure.message)
        told.text = failure.text
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"
