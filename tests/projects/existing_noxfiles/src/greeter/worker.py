def main() -> None:
    print("hello from the worker")
