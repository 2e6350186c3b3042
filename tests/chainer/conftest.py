"""What pytest must not import here: it runs in the other environment, the one with Chainer."""

collect_ignore = ["doctor_in_chainer.py"]
