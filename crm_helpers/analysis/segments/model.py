"""What a segmentation learnt, as JSON: rules, scale, centres, tree; the engine applies it to anybody."""

from __future__ import annotations

import json
from dataclasses import dataclass

import ibis
import numpy as np

from crm_helpers.analysis.segments.clusters import Clusters, Scale
from crm_helpers.analysis.segments.rfm import NO_ORDERS, Scoring, rule_set
from crm_helpers.analysis.segments.tree import Explanation
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

    def score(self, features: ibis.Table) -> ibis.Table:
        """Name the segment and the group of every customer, in the engine.

        Parameters
        ----------
        features
            One row a customer, from `crm_helpers.analysis.segments.features`.

        Returns
        -------
        ibis.Table
            The table with `segment` (by rule), `cluster` (the nearest centre) and `cluster_by_rule` (by
            the tree); `NO_ORDERS` without orders.
        """
        return features.mutate(
            segment=self.rules.expression(features),
            cluster=self._nearest(features),
            cluster_by_rule=self.tree.expression(features),
        )

    def to_json(self) -> str:
        """Write the model as JSON; every number is read back as it was."""
        content = {
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
            points = np.array(list(centres.values()), float).reshape(len(centres), len(scale.features))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError("this is no segment model: it needs rules, tree, scale and centres") from None
        return cls(rules, tree, scale, points, tuple(centres))

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


def learnt(cuts: Scoring, clusters: Clusters, tree: Explanation) -> SegmentModel:
    """Gather what a segmentation learnt.

    Parameters
    ----------
    cuts
        Cut points of the scores.
    clusters
        The groups, under the names they bear in the report.
    tree
        The tree that explains them.

    Returns
    -------
    SegmentModel
        The model.
    """
    names = tuple(clusters.profile["cluster"])
    return SegmentModel(rule_set(cuts), tree.rule_set, clusters.scale, clusters.centres[: len(names)], names)
