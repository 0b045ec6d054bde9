"""The command: makes the stores, measures, and writes the report."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.environments import Environments, InstallError
from benchmarks.kept import DiskFullError, check_disk
from benchmarks.laboratories import Laboratories
from benchmarks.measure import (
    calls,
    clearing,
    context,
    counts,
    ids,
    lab,
    lab_http,
    large_results,
    lists,
    processes,
    searches,
    sharing,
    starts,
    summaries,
    uniqc_command,
)
from benchmarks.options import Options
from benchmarks.report import Report, bars_table
from benchmarks.setting import Setting
from benchmarks.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.display import Display
    from benchmarks.recording import Measurement

SUBJECTS: dict[str, Callable[[Setting], list[Measurement]]] = {
    "lists": lists.measure,
    "searches": searches.measure,
    "counts": counts.measure,
    "summaries": summaries.measure,
    "ids": ids.measure,
    "results": large_results.measure,
    "calls": calls.measure,
    "command": uniqc_command.measure,
    "starts": starts.measure,
    "processes": processes.measure,
    "clearing": clearing.measure,
    "lab": lab.measure,
    "http": lab_http.measure,
    "sharing": sharing.measure,
    "context": context.measure,
}
_EXTRA = ("rich", "matplotlib", "bpe_openai")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks, and return the exit status: 0 even if a bar is not met."""
    options = Options.parse(arguments, SUBJECTS)
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"{', '.join(missing)} missing: python -m pip install -e '.[bench]'")
    from benchmarks.display import Display  # noqa: PLC0415 - needs the extra

    try:
        with Display() as display:
            stores = Stores(root=options.cache, progress=display.building)
            laboratories = Laboratories(root=options.cache, progress=display.building)
            _make_stores(stores, laboratories, options)
            if options.only_stores:
                return 0
            report = _measure(options, stores, laboratories, display)
    except (DiskFullError, InstallError) as error:
        sys.exit(str(error))
    _write(report, options.output)
    return 0


def _make_stores(stores: Stores, laboratories: Laboratories, options: Options) -> None:
    """Make every store of a run before anything is measured."""
    missing = stores.bytes_missing(options.mixes, copies="clearing" in options.subjects)
    check_disk(options.cache, missing + laboratories.bytes_missing(options.laboratories))
    for size in options.laboratories:
        laboratories.made(size)
    for mix in options.mixes:
        stores.of(mix)


def _measure(
    options: Options, stores: Stores, laboratories: Laboratories, display: Display
) -> Report:
    environments = Environments(root=options.cache, tell=display.tell, uniqc_python=options.uniqc)
    setting = Setting(
        sizes=options.sizes,
        lab_sizes=options.lab_sizes,
        repeats=options.repeats,
        seconds_each=options.seconds_each,
        calls=options.calls,
        idle_seconds=options.idle_seconds,
        whole_uniqc=options.whole_uniqc,
        stores=stores,
        laboratories=laboratories,
        environments=environments,
        commands=environments.ours(),
        tell=display.tell,
    )
    described = machine.describe(setting)
    found: list[Measurement] = []
    try:
        for subject in options.subjects:
            found += SUBJECTS[subject](setting)
    except BaseException:
        # A failure must not discard the measurements of the last half hour.
        _write(Report(machine=described, measurements=found), options.partial_output)
        raise
    return Report(machine=described, measurements=found)


def _write(report: Report, directory: Path) -> None:
    from benchmarks.plot import draw  # noqa: PLC0415 - needs the extra

    directory.mkdir(parents=True, exist_ok=True)
    (directory / "RESULTS.md").write_text(report.markdown(), encoding="utf-8")
    (directory / "results.json").write_text(report.json(), encoding="utf-8")
    draw(report.measurements, directory)
    print(bars_table(report.verdicts))
    print(f"\nWritten to {directory}")


if __name__ == "__main__":
    sys.exit(main())
