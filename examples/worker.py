#!/usr/bin/env python3
"""A worker for Signalbox in nothing but the standard library: binds a local OpenAI-compatible server to a broker.

    examples/worker.py --broker http://box:8642 --upstream http://127.0.0.1:1234 --llm desk --model qwen3-8b

It registers the LLM, keeps one event stream open, runs each `infer` on the local server and posts what comes of it. The
contract is in docs/workers.md; `signalbox worker` does the same and more. The broker's key comes from SIGNALBOX_API_KEY.
"""
import argparse
import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import time
import urllib.parse

PATHS = {"chat": "/v1/chat/completions", "completion": "/v1/completions", "embedding": "/v1/embeddings", "native_chat": "/api/v1/chat"}
LOST = (OSError, http.client.HTTPException, ValueError, AttributeError)  # What a connection that breaks, or is closed here, raises.


class Connection:
    """One connection that another thread may break."""

    def __init__(self, url, timeout):
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.http = kind(parts.hostname, parts.port, timeout=timeout)
        self.http.connect()
        self.socket = self.http.sock
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method, path, body=None, headers=()):
        text = None if body is None else json.dumps(body)
        self.http.request(method, path, text, {"Content-Type": "application/json", **dict(headers)})
        return self.http.getresponse()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def events(response):
    """Name, data and `retry` (in seconds, or None) of each server-sent event."""
    name, data, retry = "", [], None
    for line in response:
        field, _, value = line.decode("utf-8").rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "retry":
            retry = int(value) / 1000
        elif line in (b"\n", b"\r\n"):
            if name or data:
                yield name, "\n".join(data), retry
            name, data, retry = "", [], None


class Run:
    """One task. A thread asks the local server, another tells the broker: chunks gather while a POST is under way."""

    def __init__(self, worker, frame):
        self.worker, self.frame, self.news = worker, frame, threading.Condition()
        self.chunks, self.result, self.dropped, self.local = [], None, False, None
        for work in (self.infer, self.report):
            threading.Thread(target=work, daemon=True).start()

    def tell(self, chunk=None, result=None):
        with self.news:
            self.result = self.result or result
            self.chunks += [] if chunk is None else [chunk]
            self.news.notify()

    def fail(self, message, retryable=True):
        self.tell(result={"error": {"message": message, "retryable": retryable}})

    def drop(self):
        """Ends the local call; nothing more is sent."""
        with self.news:
            self.dropped = True
            self.news.notify()
        if self.local:
            self.local.close()

    def infer(self):
        try:
            self.local = Connection(self.worker.options.upstream, 600)
            if self.dropped:
                return
            answer = self.local.ask("POST", PATHS[self.frame["kind"]], {**self.frame["request"], "model": self.worker.options.model})
            if answer.status == 200 and answer.headers.get_content_type() == "text/event-stream":
                for _, data, _ in events(answer):
                    if data == "[DONE]":
                        return self.tell(result={"done": True})
                    self.tell(chunk=data)
                return self.fail("the local server ended its stream without [DONE]")
            text = answer.read()
            try:
                self.tell(result={"status": answer.status, "body": json.loads(text)})
            except ValueError:
                self.fail(f"the local server answered {answer.status} and no JSON", answer.status == 429 or answer.status >= 500)
        except LOST as error:
            self.fail(f"the local server: {error}")

    def report(self):
        pause = 0.25
        while True:
            with self.news:
                self.news.wait_for(lambda: self.dropped or self.chunks or self.result)
                sent = list(self.chunks)
            if self.dropped:
                break
            body = {"chunks": sent} if sent else self.result
            verb = "chunk" if sent else "result"
            status, _ = self.worker.post(f"/tasks/{self.frame['task']}/{verb}", {**body, "attempt": self.frame.get("attempt")})
            if 200 <= status < 300 and sent:
                del self.chunks[: len(sent)]
                pause = 0.25
            elif 200 <= status < 300 or status in (404, 409):
                break  # It is done, or no longer ours.
            elif sent and status not in (429, 503):  # It may have arrived: sent again, it might stand in the answer twice.
                self.local.close()
                self.result = None
                self.fail("a chunk did not reach the broker")
                self.chunks.clear()
            else:
                time.sleep(pause * random.uniform(0.5, 1))
                pause = min(2 * pause, 15)
        self.drop()
        self.worker.forget(self)


class Worker:
    def __init__(self, options):
        self.options, self.session, self.known, self.stream = options, None, False, None
        self.drained, self.leaving, self.runs, self.lock, self.said = False, False, {}, threading.Condition(), None
        self.beat, self.mine = threading.Event(), threading.local()
        key = os.environ.get("SIGNALBOX_API_KEY")
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method, path, body=None, timeout=30):
        """Status and JSON of the broker's answer, status 0 when none came. Each thread keeps a connection."""
        try:
            self.mine.broker = getattr(self.mine, "broker", None) or Connection(self.options.broker, timeout)
            answer = self.mine.broker.ask(method, path, body, self.headers)
            status, said = answer.status, json.loads(answer.read() or b"{}")
        except LOST as error:
            self.mine.broker, status, said = None, 0, {"error": {"message": str(error)}}
        if status in (401, 403):
            self.give_up(4, said)
        return status, said

    def post(self, path, body):
        status, said = self.call("POST", f"/api/v1/workers/{self.session}{path}", body)
        if status == 404:  # The broker has forgotten the session: register anew.
            self.known = False
            if self.stream:
                self.stream.close()
        return status, said

    def give_up(self, code, said):
        self.say(said["error"]["message"])
        os._exit(code)

    def say(self, line):
        """Tells whoever started it, once: a broker that is away is asked every few seconds."""
        if line != self.said:
            print(f"worker: {line}", file=sys.stderr, flush=True)
        self.said = line

    def register(self):
        o = self.options
        llm = {"name": o.llm, "type": o.type, "model": o.model, "capacity": o.capacity, **({"pool": o.pool} if o.pool else {})}
        status, said = self.call("POST", "/api/v1/workers", {"session": self.session, "llms": [llm]})
        if status == 201:
            self.session, self.known = said["session"], True
        elif self.session is None and 400 <= status < 500:
            self.give_up(6 if status == 409 else 1, said)
        else:
            self.say(f"{self.options.broker}: {said['error']['message']}")

    def listen(self):
        """Takes frames until the stream ends. Returns the pause that a restarting broker asks for."""
        retry = None
        try:
            self.stream = Connection(self.options.broker, 45)  # The broker pings every 15 s.
            answer = self.stream.ask("GET", f"/api/v1/workers/{self.session}/stream", headers=self.headers)
            self.known = answer.status != 404
            if answer.status != 200:
                return None
            self.drained = False
            self.beat.set()
            self.say(f"{self.options.llm} is bound to {self.options.broker}")
            for name, data, retry in events(answer):
                frame = json.loads(data or "{}")
                if name == "infer" and not self.drained:
                    self.start(frame)
                elif name == "cancel":
                    self.drop(frame["task"])
                elif name == "drain":
                    self.drained = True
                    if retry is None and not self.leaving:  # An operator wants the worker gone.
                        self.leaving = True
                        threading.Thread(target=self.leave, daemon=True).start()
        except LOST:
            pass
        return retry

    def start(self, frame):
        held = self.runs.get(frame["task"])
        if held and frame.get("attempt", 0) <= held.frame.get("attempt", 0):
            return
        self.drop(frame["task"])  # Its claim is over; this is a new one of the same task.
        with self.lock:
            self.runs[frame["task"]] = Run(self, frame)

    def drop(self, task):
        run = self.runs.get(task)
        if run:
            run.drop()
            self.forget(run)

    def forget(self, run):
        with self.lock:
            if self.runs.get(run.frame["task"]) is run:
                del self.runs[run.frame["task"]]
            self.lock.notify_all()

    def heartbeats(self):
        interval = 30
        while True:
            self.beat.wait(interval)
            self.beat.clear()
            if self.known:
                interval = self.post("/heartbeat", {})[1].get("heartbeat_interval_s", interval)

    def leave(self, grace=None):
        with self.lock:
            self.lock.wait_for(lambda: not self.runs, grace)
        self.call("DELETE", f"/api/v1/workers/{self.session}", timeout=5)
        os._exit(0)

    def stop(self, *_):
        """The first signal: no new tasks, the running ones may end. The second: at once."""
        if self.leaving:
            os._exit(130)
        self.leaving = True
        threading.Thread(target=lambda: (self.post("/drain", {}), self.leave(self.options.grace)), daemon=True).start()

    def run(self):
        pause = 0.25
        threading.Thread(target=self.heartbeats, daemon=True).start()
        while True:
            since, retry = time.monotonic(), None
            if not self.known:
                for task in list(self.runs):
                    self.drop(task)
                self.register()
            if self.known and not self.leaving:
                retry = self.listen()
            pause = 0.25 if time.monotonic() - since > 5 else min(2 * pause, 15)
            time.sleep(retry if retry is not None else pause * random.uniform(0.25, 0.5))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", default=os.environ.get("SIGNALBOX_URL", "http://127.0.0.1:8642"))
    for name in ("--upstream", "--llm", "--model"):
        parser.add_argument(name, required=True)
    parser.add_argument("--type", default="openai")
    parser.add_argument("--pool")
    parser.add_argument("--capacity", type=int, default=1)
    parser.add_argument("--grace", type=float, default=30, help="seconds that tasks may go on after SIGTERM")
    worker = Worker(parser.parse_args())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    worker.run()


if __name__ == "__main__":
    main()
