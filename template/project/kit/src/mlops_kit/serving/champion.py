"""Which model answers: found when the service starts, looked after while it runs, swapped without a pause.

1. Where MLFLOW_TRACKING_URI is set: the version that has the alias champion there. If that server does not answer
   when the service starts, the model of 2 or 3 answers until it does, and /ready says so.
2. Else the folder that MODEL_DIR names, as in an image: it stays what it is, until the champion.yaml beside it says
   that it is retired (the image has the one of its day: mount a newer one over it). Its hash must be MODEL_MD5, which
   an image has; where that is not set, the folder is yours to answer for.
3. Else the champion of champion.yaml.

Every RELOAD_SECONDS (30 by default, 0 for never) all of this is looked at again. A new champion is loaded beside the
old one, checked against the contract, and takes its place by one assignment: a request has the one or the other.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mlops_kit import models
from mlops_kit.contract import Contract
from mlops_kit.frameworks import Decision
from mlops_kit.serving import mlflow_server
from mlops_kit.serving.follow import check_hash, check_not_retired, reload_seconds
from mlops_kit.serving.predictor import Predictor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """The model that answers, or the reason why there is none. `token` tells it from another champion."""

    predictor: Predictor | None = None
    version: str = ""
    token: str = ""
    reason: str = ""
    notice: str = ""

    @property
    def decision(self) -> Decision | None:
        """How the model decides between two classes; None where its answer is the most likely one."""
        return self.predictor.decision if self.predictor else None


class Keeper:
    """Keeps what is served up to date; `served` is read by every request, and replaced as a whole."""

    def __init__(self, contract: Contract, swapped: Callable[[Served], None]) -> None:
        self.contract, self.swapped = contract, swapped
        self.baked = os.environ.get("MODEL_DIR")
        self.served = Served(reason="The model is not loaded yet.")
        self.seconds = reload_seconds()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="champion", daemon=True)

    def start(self) -> None:
        """Load the model; then look for another one from time to time."""
        self.look()
        if self.seconds:
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self.seconds):
            self.look()

    def look(self) -> None:
        """Take the champion as it is now. Whatever goes wrong, the model that answers goes on answering.

        A champion that was withdrawn has not gone wrong: it answers no more.
        """
        try:
            self._take()
        except mlflow_server.Unreachable as error:
            if self.served.token.startswith("server:"):
                self._note(str(error))
            else:
                self._fall_back(str(error))
        except models.WithdrawnError as error:
            # What the server has withdrawn does not come back from elsewhere when the server is away later.
            self._withdraw(str(error), "server:" if mlflow_server.address() else "")
        except models.ModelError as error:
            self._note(str(error))
        except Exception as error:
            log.exception("looking for the champion failed")
            self._note(f"The champion cannot be loaded: {type(error).__name__}: {error}")

    def _take(self) -> None:
        if mlflow_server.address():
            version = mlflow_server.champion()
            token = f"server:{version.number}:{version.md5}"
            if token != self.served.token:
                with tempfile.TemporaryDirectory(prefix="champion-") as folder:
                    mlflow_server.download(version, Path(folder))
                    self._swap(load(Path(folder), self.contract, token))
        elif os.environ.get("MLFLOW_TRACKING_URI"):
            self._take_folder(models.champion_folder())
        else:
            self._take_local()
        if self.served.notice:
            self.served = replace(self.served, notice="")

    def _take_local(self) -> None:
        if self.baked:
            self._take_baked(Path(self.baked))
            return
        champion = models.read_champion()
        # The file is small and read whole; the model's folder is touched only where the file names another one.
        if champion is None or champion.retired or f"file:{champion.model}" != self.served.token:
            folder = models.local_champion_folder()
            self._swap(load(folder, self.contract, f"file:{champion.model if champion else ''}"))

    def _take_baked(self, folder: Path) -> None:
        """The model of an image, unless the champion.yaml beside it says that this one is retired."""
        check_not_retired(folder)
        if self.served.predictor is None:
            check_hash(folder)
            self._swap(load(folder, self.contract, "baked"))

    def _take_folder(self, folder: Path) -> None:
        token = f"folder:{folder.as_posix()}"
        if token != self.served.token:
            self._swap(load(folder, self.contract, token))

    def _fall_back(self, why: str) -> None:
        """The server does not answer: the model at hand."""
        at_hand = "the model in MODEL_DIR" if self.baked else "the champion of champion.yaml"
        try:
            self._take_local()
        except models.WithdrawnError as error:
            self._withdraw(f"{why} And {error}")
            return
        except models.ModelError as error:
            self._note(f"{why} And {at_hand} cannot be had: {error}")
            return
        self._note(f"{why} Until it does, {at_hand} is served.")

    def _swap(self, served: Served) -> None:
        self.served = served
        self.swapped(served)
        log.info("the model of run %s is served", served.version)

    def _withdraw(self, sentence: str, token: str = "") -> None:
        if sentence != self.served.reason:
            log.warning(sentence)
        self.served = Served(reason=sentence, token=token)

    def _note(self, sentence: str) -> None:
        """What is wrong, in the log (once) and on /ready: the reason where nothing is served, else a notice."""
        if sentence not in (self.served.reason, self.served.notice):
            log.warning(sentence)
        if self.served.predictor is None:
            self.served = replace(self.served, reason=sentence)
        else:
            self.served = replace(self.served, notice=sentence)


def load(folder: Path, contract: Contract, token: str) -> Served:
    """The model in a folder, ready to answer. Raises ChampionError where it is none, or none for this contract."""
    before = models.folder_md5(folder)
    model = models.load_model(folder)
    models.check_signature(folder, contract)
    version = (folder / "run_id").read_text(encoding="utf-8").strip()
    if models.folder_md5(folder) != before:  # a training is writing it
        raise models.ChampionError(f"{folder} changed while it was read.")
    return Served(Predictor(model, contract), version, token)
