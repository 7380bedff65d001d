"""Who the customers are: features, rules, clusters, names that last, and the verdict on them."""
