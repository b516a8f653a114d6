"""Train a small network on scikit-learn's digits (1,797 images of 8x8, part of the package: no download)."""

import argparse
import json
import pickle
import time
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import workbench


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=32, help="units of the hidden layer")
    parser.add_argument("--learning-rate", type=float, default=0.001)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--model", type=Path, default=Path("outputs/model"), help="folder for the model")
    return parser.parse_args()


def load_data():
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.25, random_state=0)
    scaler = StandardScaler().fit(train_x)
    return scaler.transform(train_x), scaler.transform(test_x), train_y, test_y


def main():
    arguments = parse_arguments()
    train_x, test_x, train_y, test_y = load_data()
    model = MLPClassifier((arguments.hidden,), learning_rate_init=arguments.learning_rate, random_state=0)
    for epoch in range(arguments.epochs):
        started = time.perf_counter()
        model.partial_fit(train_x, train_y, classes=range(10))
        probabilities = model.predict_proba(test_x)
        metrics = {
            "loss": log_loss(train_y, model.predict_proba(train_x)),
            "val_loss": log_loss(test_y, probabilities),
            "accuracy": accuracy_score(test_y, probabilities.argmax(axis=1)),
            "epoch_seconds": time.perf_counter() - started,
        }
        workbench.log(metrics, step=epoch)
        print(
            f"epoch {epoch + 1:3d}/{arguments.epochs}  loss {metrics['loss']:.4f}  accuracy {metrics['accuracy']:.4f}"
        )

    arguments.model.mkdir(parents=True, exist_ok=True)
    (arguments.model / "model.pkl").write_bytes(pickle.dumps(model))
    Path("outputs").mkdir(exist_ok=True)
    Path("outputs/result.json").write_text(json.dumps({"accuracy": metrics["accuracy"]}))


if __name__ == "__main__":
    main()
