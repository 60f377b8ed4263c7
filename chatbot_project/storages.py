"""Where uploaded files are kept, as Django's STORAGES takes it."""

from pathlib import Path
from typing import Any


def files_in_folder(folder: Path) -> dict[str, Any]:
    """Made when the first file comes; nobody else may look into it."""
    options = {
        "location": str(folder),
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    }
    return {"BACKEND": "files.storage.FolderStorage", "OPTIONS": options}


def files_in_bucket(
    bucket: str, *, prefix: str, endpoint_url: str, region: str, access_key: str, secret_key: str
) -> dict[str, Any]:
    """Without keys, those of the machine's role are used."""
    options = {
        "bucket_name": bucket,
        "location": prefix,
        "endpoint_url": endpoint_url or None,
        "region_name": region or None,
        "access_key": access_key or None,
        "secret_key": secret_key or None,
        "default_acl": None,
        "file_overwrite": True,  # keys are never used twice
    }
    return {"BACKEND": "files.bucket.BucketStorage", "OPTIONS": options}
