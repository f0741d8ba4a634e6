"""The whole system out of its images, as the chart would have a cluster run them."""
