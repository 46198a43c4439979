"""What a critic can be measured against and learn from: labels of recorded proposals."""
