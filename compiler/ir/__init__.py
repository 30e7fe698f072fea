"""What is between front end and targets: values, operations, graphs, what they mean and what holds of them."""
