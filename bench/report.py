"""Collects what the rounds gave and prints one table of ratios and one of speeds."""

import statistics
import sys


def size_of(load):
    return "" if load is None else f"{load.size} x {load.instances}"


def clients_of(load):
    return "" if load is None else str(load.clients)


class Report:
    def __init__(self):
        self._ratios = {}  # (what, size, clients) -> target, lower is better, values
        self._speeds = {}  # (who, size, clients) -> instances a second

    def add(self, _name, load, what, value, target, lower_is_better=False):
        key = (what, size_of(load), clients_of(load))
        self._ratios.setdefault(key, (target, lower_is_better, []))[2].append(value)

    def note(self, load, who, instances_per_second):
        self._speeds.setdefault((who, size_of(load), clients_of(load)), []).append(instances_per_second)

    @staticmethod
    def progress(text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def print(self):
        self.progress("")
        if self._speeds:
            print("Instances a second, median (lowest - highest)\n")
            self._table(["", "size", "clients", "speed", ""], [
                [who, size, clients, f"{statistics.median(values):.0f}", f"({min(values):.0f} - {max(values):.0f})"]
                for (who, size, clients), values in sorted(self._speeds.items(), key=lambda item: item[0][1:])])
        if self._ratios:
            print("\nRatios, median of the rounds (lowest - highest)\n")
            self._table(["", "size", "clients", "ratio", "", "target", ""], [
                self._ratio_row(key, *entry) for key, entry in sorted(self._ratios.items())])

    @staticmethod
    def _ratio_row(key, target, lower_is_better, values):
        ratio = statistics.median(values)
        met = ratio <= target if lower_is_better else ratio >= target
        sign = "<=" if lower_is_better else ">="
        return [*key, f"{ratio:.2f}", f"({min(values):.2f} - {max(values):.2f})", f"{sign} {target:g}",
                "ok" if met else "below"]

    @staticmethod
    def _table(head, rows):
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        for row in [head, *rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
