#!/usr/bin/env python3
"""A slot for a call that the app makes itself, in nothing but the standard library.

    from slot import slot
    with slot("gpu", priority="background") as held:
        held.mark("started_http")
        ...                                  # call your server; held.is_lost tells when to stop
        held.mark("first_token")

Run as a program it asks an OpenAI-compatible server, streaming, while it holds a slot:

    examples/slot.py --profile gpu --upstream http://127.0.0.1:1234 --model qwen3-8b "hello there"

The broker is SIGNALBOX_URL (default http://127.0.0.1:8642), its key SIGNALBOX_API_KEY. The contract is in docs/protocol.md.
"""
import argparse
import contextlib
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

BROKER = "http://127.0.0.1:8642"


class BrokerError(Exception):
    """The broker said no: `code` is its word for it (queue_full, queue_wait_timeout, slot_not_found, ...)."""

    def __init__(self, status, code, message):
        super().__init__(f"{message} ({code or status})")
        self.status, self.code = status, code


class SlotLost(Exception):
    """The slot was taken back while it was held."""


class Broker:
    def __init__(self, url=None, key=None):
        self.url = (url or os.environ.get("SIGNALBOX_URL") or BROKER).rstrip("/")
        self.key = key or os.environ.get("SIGNALBOX_API_KEY")

    def ask(self, method, path, body=None, timeout=None):
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        data = json.dumps(body if body is not None else {}).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            try:
                error = json.load(refusal)["error"]
            except (ValueError, KeyError, TypeError):
                error = {}
            raise BrokerError(refusal.code, error.get("code"), error.get("message", "the broker refused")) from None


class Slot:
    """A slot that is held. Renewed by a thread until release()."""

    def __init__(self, broker, answer):
        self.broker, self.id = broker, answer["id"]
        self.lease_s, self.queue_wait_ms = answer["lease_s"], answer.get("queue_wait_ms")
        self.is_lost = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    @property
    def _path(self):
        return "/api/v1/slots/" + urllib.parse.quote(self.id, safe="")

    def _renew(self):
        good_until, pause = time.monotonic() + self.lease_s, self.lease_s / 3
        while not self._over.wait(pause):
            sent = time.monotonic()
            try:
                self.broker.ask("POST", self._path + "/renew", timeout=max(good_until - sent, 0.2))
                good_until, pause = sent + self.lease_s, self.lease_s / 3
                continue
            except BrokerError as error:
                if error.code == "slot_not_found":
                    break
            except OSError:
                pass
            # Away, or not well: asked again soon, for as long as the lease holds.
            if time.monotonic() >= good_until:
                break
            pause = min(1, self.lease_s / 3)
        else:
            return
        self.is_lost = True

    def mark(self, event):
        """Tells when the request left (`started_http`) and when the first token came (`first_token`)."""
        self.broker.ask("POST", self._path + "/mark", {"event": event}, timeout=10)

    def release(self, status="ok", error_kind=None, error_detail=None):
        """Gives it back. Returns the metrics row, or None when it had ended before."""
        self._over.set()
        self._thread.join()
        body = {"status": status, "error_kind": error_kind, "error_detail": error_detail}
        try:
            return self.broker.ask("DELETE", self._path, {k: v for k, v in body.items() if v is not None}, timeout=10)
        except BrokerError as error:
            if error.code != "slot_not_found":
                raise
            self.is_lost = True
            return None


@contextlib.contextmanager
def slot(profile, priority="workflow", queue_wait_s=None, inference_s=None, lease_s=None, description=None, broker=None, key=None):
    """Waits for a slot, holds it for the block, and gives it back with the block's outcome.

    Raises BrokerError when none is given, and SlotLost after a block that outlived its slot.
    """
    asked = {"profile": profile, "priority": priority, "queue_wait_s": queue_wait_s, "inference_s": inference_s,
             "lease_s": lease_s, "description": description}
    with_broker = Broker(broker, key)
    held = Slot(with_broker, with_broker.ask("POST", "/api/v1/slots", {k: v for k, v in asked.items() if v is not None}))
    try:
        yield held
    except TimeoutError as error:
        held.release("inference_timeout", "timeout", str(error)[:200])
        raise
    except BaseException as error:
        held.release("error", type(error).__name__, str(error)[:200])
        raise
    if held.release() is None:
        raise SlotLost("the slot was taken back before the work was done")


def stream_chat(upstream, model, prompt, held):
    """Yields the pieces of the answer."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(upstream.rstrip("/") + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    held.mark("started_http")
    is_first = True
    with urllib.request.urlopen(request, timeout=600) as response:
        for line in response:
            data = line.decode("utf-8").strip().removeprefix("data:").strip()
            if held.is_lost:
                raise SlotLost("the slot was taken back in mid-stream")
            if not line.startswith(b"data:") or data == "[DONE]":
                continue
            for choice in json.loads(data).get("choices", []):
                piece = choice.get("delta", {}).get("content")
                if not piece:
                    continue
                if is_first:
                    held.mark("first_token")
                    is_first = False
                yield piece


def main():
    parser = argparse.ArgumentParser(description="Asks a server while holding a slot of a Signalbox profile.")
    parser.add_argument("--profile", required=True)
    parser.add_argument("--priority", default="interactive", choices=["interactive", "workflow", "background"])
    parser.add_argument("--upstream", required=True, help="an OpenAI-compatible server, http://HOST:PORT")
    parser.add_argument("--model", required=True)
    parser.add_argument("--description")
    parser.add_argument("prompt")
    args = parser.parse_args()
    try:
        with slot(args.profile, priority=args.priority, description=args.description) as held:
            for piece in stream_chat(args.upstream, args.model, args.prompt, held):
                print(piece, end="", flush=True)
            print()
    except (BrokerError, SlotLost, OSError) as error:
        sys.exit(f"slot.py: {error}")


if __name__ == "__main__":
    main()
