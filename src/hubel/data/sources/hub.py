"""Data sets of the Hugging Face hub by name: `hf:NAME` or `hf:NAME:CONFIG`.

Their Parquet files are downloaded once, into the cache that `huggingface_hub` keeps, and then read
as a folder of shards. Nothing of a data set is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hubel.data.folders import split_of
from hubel.data.sources.arrow import RowsSource
from hubel.data.sources.hub_folder import shards_in
from hubel.data.sources.options import Options
from hubel.data.sources.table import reading_of
from hubel.errors import DataError

__all__ = ["HUB", "configs_of", "hub_source"]

HUB = "hf:"
_CONVERTED = "refs/convert/parquet"
_PATIENCE = 10.0


def hub_source(text: str, options: Options) -> RowsSource:
    """Download what isn't there yet, and open it.

    Args:
        text: `hf:NAME` or `hf:NAME:CONFIG`.
        options: those of a table.

    Raises:
        DataError: there is no network, no such data set, or none that has Parquet files.
    """
    name, _, config = text.removeprefix(HUB).partition(":")
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name):
        raise DataError(f"{text}: expected hf:NAME, hf:OWNER/NAME or hf:OWNER/NAME:CONFIG")
    root, files = _download(text, name, config)
    return RowsSource(shards_in(files, root), text, reading_of(options, root))


def configs_of(files: Sequence[str]) -> dict[str, list[str]]:
    """Parquet files by the configuration that their folders say.

    Example:
        >>> configs_of(["data/train-00000-of-00001.parquet", "small/test/0000.parquet"])
        {'default': ['data/train-00000-of-00001.parquet'], 'small': ['small/test/0000.parquet']}
    """
    found: dict[str, list[str]] = {}
    for file in sorted(file for file in files if file.endswith(".parquet")):
        folders = [f for f in file.split("/")[:-1] if f != "data" and split_of(f) is None]
        found.setdefault("/".join(folders) or "default", []).append(file)
    return found


def _download(text: str, name: str, config: str) -> tuple[Path, list[Path]]:
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    where: dict[str, Any] = {"repo_id": name, "repo_type": "dataset"}
    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    offline = constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE") in ("1", "true", "ON")
    try:
        if offline:
            return _from_cache(text, where, config)
        api = HfApi(endpoint=endpoint)
        revision, files = _listed(api, where)
        chosen = _choose(text, files, config)
        root = snapshot_download(
            **where, revision=revision, allow_patterns=chosen, endpoint=endpoint,
            etag_timeout=_PATIENCE,
        )  # fmt: skip
        return Path(root), [Path(root) / file for file in chosen]
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise _problem(text, name, error) from error
    except DataError:
        raise
    except Exception as error:  # whatever a network can do
        raise _unreached(text, str(error)) from error


def _listed(api: Any, where: dict[str, Any]) -> tuple[str | None, list[str]]:
    """The files of the data set itself, or of the Parquet files that the hub has made of it."""
    for revision in (None, _CONVERTED):
        try:
            info = api.repo_info(**where, revision=revision, timeout=_PATIENCE)
        except Exception as error:
            if revision is None or "404" not in str(error):
                raise
            break
        files = [one.rfilename for one in info.siblings or []]
        if any(file.endswith(".parquet") for file in files):
            return revision, files
    return None, []


def _choose(text: str, files: Sequence[str], config: str) -> list[str]:
    configs = configs_of(files)
    if not configs:
        raise DataError(
            f"{text}: the data set has no Parquet files, and the hub has made none of it; download "
            "it, and name its folder"
        )
    if not config and len(configs) > 1:
        if "default" in configs:
            config = "default"
        else:
            raise DataError(f"{text} has several configurations: {', '.join(configs)}; name one, "
                            f"as {text}:{next(iter(configs))}")  # fmt: skip
    chosen = configs.get(config or next(iter(configs)))
    if chosen is None:
        raise DataError(f"{text}: there is no configuration {config!r}; there are: "
                        f"{', '.join(configs)}")  # fmt: skip
    partial = next((file for file in chosen if "partial-" in file), None)
    if partial is not None:
        raise DataError(f"{text}: the hub has made Parquet files of the first part only "
                        f"({partial}); download the data set, and name its folder")  # fmt: skip
    return chosen


def _from_cache(text: str, where: dict[str, Any], config: str) -> tuple[Path, list[Path]]:
    from huggingface_hub import constants, scan_cache_dir, snapshot_download
    from huggingface_hub.errors import CacheNotFound

    try:
        kept = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except CacheNotFound:
        kept = frozenset()
    mine = [r for r in kept if (r.repo_type, r.repo_id) == ("dataset", where["repo_id"])]
    refs = mine[0].refs if mine else {}
    for revision in ("main", _CONVERTED):
        if revision not in refs:
            continue
        root = refs[revision].snapshot_path
        files = [file.relative_to(root).as_posix() for file in root.rglob("*.parquet")]
        if files:
            chosen = _choose(text, files, config)
            folders = {os.path.dirname(file) for file in chosen}
            patterns = [os.path.join(folder, "*.parquet") for folder in folders]
            try:  # a download that was broken off would be a part of the data
                snapshot_download(
                    **where, revision=revision, local_files_only=True, allow_patterns=patterns
                )
            except Exception as error:
                raise DataError(f"{text} is in the cache in part only, and HF_HUB_OFFLINE forbids "
                                "to fetch the rest") from error  # fmt: skip
            return root, [root / file for file in chosen]
    raise DataError(f"{text} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it")


def _problem(text: str, name: str, error: Exception) -> DataError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403, 404):
        return DataError(
            f"{text}: the hub has no data set {name!r} that may be read without signing in "
            f"(it answered {status}); check the name at huggingface.co/datasets, or sign in with "
            "hf auth login"
        )
    return _unreached(text, str(error))


def _unreached(text: str, why: str) -> DataError:
    line = (why.strip().splitlines() or ["no answer"])[0][:160]
    return DataError(
        f"{text}: the hub can't be reached ({line}); without a network, download the data set "
        "elsewhere and name its folder"
    )
