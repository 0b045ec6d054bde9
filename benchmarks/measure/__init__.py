"""What is measured, a module for each subject. Each has one function that returns measurements."""
