"""The products of the simulated company: 400 in eight categories, with price and cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_helpers.demo.plan import generator
from crm_helpers.demo.words import book

__all__ = ["CATEGORIES", "Catalogue", "make_catalogue"]

_PER_CATEGORY = 50
_CATEGORIES = book("words")["categories"]
_BRANDS = book("words")["brands"]["names"]
CATEGORIES = tuple(_CATEGORIES)


@dataclass(frozen=True)
class Catalogue:
    """Products in the order of their price; price and cost in fen."""

    category: np.ndarray
    noun: np.ndarray
    brand: np.ndarray
    price: np.ndarray
    cost: np.ndarray

    def near(self, price: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Choose a product whose price is near the one wanted, in CNY."""
        place = np.searchsorted(self.price, price * 100) + random.integers(-8, 9, len(price))
        return np.asarray(np.clip(place, 0, len(self.price) - 1))

    def table(self) -> pa.Table:
        """Return the product list as the company keeps it."""
        nouns = np.array([item["products"] for item in _CATEGORIES.values()])[self.category, self.noun]
        departments = np.array([item["department"] for item in _CATEGORIES.values()])[self.category]
        brands = np.array(_BRANDS)[self.brand]
        return pa.table(
            {
                "sku": [f"P{number:04d}" for number in range(1, len(self.price) + 1)],
                "title": [f"{brand} {noun}" for brand, noun in zip(brands, nouns, strict=True)],
                "category": np.array(CATEGORIES)[self.category].tolist(),
                "department": departments.tolist(),
                "brand": brands.tolist(),
                "list_price": self.price / 100,
                "unit_cost": self.cost / 100,
            }
        )


def make_catalogue(seed: int) -> Catalogue:
    """Draw the products.

    Parameters
    ----------
    seed
        The company's seed.

    Returns
    -------
    Catalogue
        400 products.
    """
    random = generator(seed, 4)
    category = np.repeat(np.arange(len(CATEGORIES)), _PER_CATEGORY)
    low, high = np.log(np.array([item["prices"] for item in _CATEGORIES.values()], float)).T
    price = np.exp(low[category] + random.random(len(category)) * (high - low)[category])
    price = np.maximum(np.rint(price * 10) * 10, 100).astype(np.int64)  # to 0.10 CNY
    order = np.argsort(price, kind="stable")
    noun = random.integers(0, 5, len(category))
    brand = random.integers(0, len(_BRANDS), len(category))
    cost = np.rint(price * random.uniform(0.45, 0.72, len(category))).astype(np.int64)
    return Catalogue(category[order], noun[order], brand[order], price[order], cost[order])
