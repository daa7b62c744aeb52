"""The apiserver's errors as the store's. Pure."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from graphcron.facade.store.store import Changed, Missing, Rejected, StoreUnavailable
from graphcron.kube import errors


@contextmanager
def translated(missing: str | None = None) -> Iterator[None]:
    """Translates the apiserver's errors to the store's. A 404 means `missing` is gone, or without one that the
    resource itself is unknown: the CRD or the namespace does not exist."""
    try:
        yield
    except errors.NotFound as error:
        if missing is not None:
            raise Missing(missing) from None
        raise StoreUnavailable(f"GraphCrons cannot be stored here: {error.message}. Is the CRD installed?") from None
    except errors.Conflict as error:
        raise Changed(error.message) from None
    except errors.Refused as error:
        if _ours.search(error.message):
            raise StoreUnavailable(f"The facade's service account lacks a permission: {error.message}") from None
        raise Rejected(readable(error.message)) from None
    except errors.KubeError as error:
        raise StoreUnavailable(f"The Kubernetes API does not serve this now: {error.message}") from None


_ours = re.compile(r"forbidden: User \"[^\"]*\" cannot ")


def readable(message: str) -> str:
    """The apiserver's sentence without its frame: `GraphCron.graphcron.dev "x" is invalid: spec.schedule: Invalid
    value: "banana": …` becomes `spec.schedule: …`."""
    message = re.sub(r"^\S+ \"[^\"]*\" is (invalid|forbidden): ", "", message)
    message = re.sub(r"^.*strict decoding error: ", "", message)
    return re.sub(r"Invalid value: (\"(?:[^\"\\]|\\.)*\"|\S+): ", "", message)
