"""What a segmentation learnt, as JSON: rules, scale, centres, tree; the engine applies it to anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import ibis
import numpy as np

from crm_helpers.analysis.segments.clusters import Clusters, Scale
from crm_helpers.analysis.segments.rfm import NO_ORDERS, Scoring, rule_set
from crm_helpers.analysis.segments.tree import Explanation
from crm_helpers.analysis.segments.use import PARTS, Use
from crm_helpers.conditions import RuleSet
from crm_helpers.errors import InputError

__all__ = ["SegmentModel", "learnt"]


@dataclass(frozen=True)
class SegmentModel:
    """Everything needed to give a customer with known features a segment and a group."""

    rules: RuleSet
    tree: RuleSet
    scale: Scale
    centres: np.ndarray  # one row a group, standardised
    groups: tuple[str, ...]
    use: Use = field(default_factory=lambda: Use({}))

    def score(self, features: ibis.Table) -> ibis.Table:
        """Name the segment and the group of every customer, in the engine.

        Parameters
        ----------
        features
            One row a customer, from `crm_helpers.analysis.segments.features`.

        Returns
        -------
        ibis.Table
            The table with `segment` (by rule), and with `cluster` (the nearest centre) and
            `cluster_by_rule` (by the tree); `NO_ORDERS` without orders. Names that may not be used
            outside the report are left out.

        Raises
        ------
        InputError
            When none of the names may be used: a segmentation that failed is not written back.
        """
        names: dict[str, Callable[[ibis.Table], ibis.Value]] = {}
        if "segment" not in self.use.refused:
            names["segment"] = self.rules.expression
        if "cluster" not in self.use.refused:
            names |= {"cluster": self._nearest, "cluster_by_rule": self.tree.expression}
        if not names:
            self.use.require(PARTS[0])
        return features.mutate(**{name: of(features) for name, of in names.items()})

    def sql(self, part: str) -> str:
        """Return one CASE expression that names customers, for a database to be written back to.

        Parameters
        ----------
        part
            `segment`, or `cluster` (by the tree).

        Returns
        -------
        str
            SQL over the columns of the table `segments`.

        Raises
        ------
        InputError
            When these names may not be used outside the report.
        """
        self.use.require(part)
        return (self.rules if part == "segment" else self.tree).sql()

    def to_json(self) -> str:
        """Write the model as JSON; every number is read back as it was."""
        content = {
            "refused": dict(self.use.refused),
            "rules": self.rules.to_plain(),
            "tree": self.tree.to_plain(),
            "scale": self.scale.to_plain(),
            "centres": dict(zip(self.groups, self.centres.tolist(), strict=True)),
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> SegmentModel:
        """Read a model that `to_json` wrote, or raise `InputError` where it is none."""
        try:
            content = json.loads(text)
            rules, tree = (RuleSet.from_plain(content[name]) for name in ("rules", "tree"))
            scale, centres = Scale.from_plain(content["scale"]), content["centres"]
            use = Use({str(part): str(why) for part, why in content["refused"].items()})
            points = np.array(list(centres.values()), float).reshape(len(centres), len(scale.features))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(
                "this is no segment model: it needs refused, rules, tree, scale and centres"
            ) from None
        return cls(rules, tree, scale, points, tuple(centres), use)

    def _nearest(self, features: ibis.Table) -> ibis.Value:
        if not self.groups:
            return ibis.literal(NO_ORDERS)
        values = self.scale.apply(features)
        squares = [
            sum((value - float(middle)) ** 2 for value, middle in zip(values, centre, strict=True))
            for centre in self.centres
        ]
        least = ibis.least(*squares)
        cases = [(square == least, name) for square, name in zip(squares, self.groups, strict=True)]
        return ibis.ifelse(features["orders"] > 0, ibis.cases(*cases, else_=NO_ORDERS), NO_ORDERS)


def learnt(cuts: Scoring, clusters: Clusters, tree: Explanation, *, use: Use | None = None) -> SegmentModel:
    """Gather what a segmentation learnt.

    Parameters
    ----------
    cuts
        Cut points of the scores.
    clusters
        The groups, under the names they bear in the report.
    tree
        The tree that explains them.
    use
        Which names may be used outside the report; None allows all.

    Returns
    -------
    SegmentModel
        The model.
    """
    names = tuple(clusters.profile["cluster"])
    centres = clusters.centres[: len(names)]
    return SegmentModel(rule_set(cuts), tree.rule_set, clusters.scale, centres, names, use or Use({}))
