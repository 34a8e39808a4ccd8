"""What is measured, scenario by scenario."""
