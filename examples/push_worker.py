#!/usr/bin/env python3
"""A push worker for Signalbox in nothing but the standard library: a small HTTP server that the broker gives its work to.

    examples/push_worker.py --broker http://box:8642 --id desk --model qwen3-8b --upstream http://127.0.0.1:1234

It announces itself by heartbeats; the broker then posts jobs to it and reads their tokens as an event stream. Without
--upstream it answers with the words of the prompt, which is enough to try things. The contract is in docs/protocol.md,
"Push workers". The broker's key comes from --key or SIGNALBOX_API_KEY.
"""
import argparse
import http.client
import http.server
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import urllib.parse
import uuid

BODY_BYTES_MAX = 16 * 1024 * 1024
READER_PATIENCE_S = 30  # A job that nobody comes for is dropped.
IDLE_CONNECTION_S = 60
RETRY_S = 2  # After a heartbeat that did not get through.
LOST = (OSError, http.client.HTTPException, ValueError)  # What a connection that breaks raises.


def connect(url, timeout):
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout), parts.path.rstrip("/")


def event(text):
    """One server-sent event; a text of several lines takes as many `data` lines."""
    return "".join(f"data: {line}\n" for line in re.split("\r\n|\r|\n", text)) + "\n"


class Job:
    def __init__(self, request):
        self.id, self.request = uuid.uuid4().hex, request
        self.until = time.monotonic() + READER_PATIENCE_S
        self.taken, self.stopped, self.local = False, threading.Event(), None

    def stop(self):
        """Ends the run, wherever it is."""
        self.stopped.set()
        if self.local:
            try:
                self.local.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def tokens(self, options):
        return self.relay(options) if options.upstream else self.echo(options)

    def echo(self, options):
        for word in re.findall(r"\s*\S+", self.request["prompt"])[: self.request.get("max_tokens", 1024)]:
            if self.stopped.wait(options.delay_ms / 1000):
                return
            yield word

    def relay(self, options):
        wanted = {name: self.request[name] for name in ("prompt", "max_tokens", "temperature", "top_p", "top_k") if name in self.request}
        server, prefix = connect(options.upstream, 600)
        path = prefix + ("/completions" if prefix.endswith("/v1") else "/v1/completions")
        body = json.dumps({**wanted, "model": self.request.get("model", options.model[0]), "stream": True})
        server.connect()
        self.local = server.sock
        if self.stopped.is_set():
            return
        server.request("POST", path, body, {"Content-Type": "application/json"})
        answer = server.getresponse()
        if answer.status != 200:
            raise OSError(f"the local server answered {answer.status}: {answer.read(2000).decode(errors='replace')}")
        for line in answer:
            field, _, data = line.decode("utf-8").rstrip("\r\n").partition(":")
            if field != "data":
                continue
            data = data.removeprefix(" ")
            if data == "[DONE]":
                return
            said = json.loads(data)
            if "error" in said:
                raise OSError(f"the local server: {said['error']}")
            yield "".join(choice.get("text") or "" for choice in said.get("choices", []))
        raise OSError("the local server ended its stream without [DONE]")


class Worker:
    """The jobs, and what the broker is told about them."""

    def __init__(self, options):
        self.options, self.port = options, options.port
        self.jobs, self.change, self.telling, self.readers = {}, threading.Condition(), threading.Lock(), 0
        self.started, self.leaving, self.accepted = not options.upstream, False, False
        self.key = options.key or os.environ.get("SIGNALBOX_API_KEY")

    # -- jobs

    def submit(self, request):
        """A job, or None when all places are taken."""
        with self.change:
            self.prune()
            if self.leaving or len(self.jobs) >= self.options.capacity:
                return None
            job = Job(request)
            self.jobs[job.id] = job
            self.change.notify_all()
            return job

    def prune(self):
        for job in [job for job in self.jobs.values() if not job.taken and job.until < time.monotonic()]:
            del self.jobs[job.id]

    def take(self, job_id):
        """Each job has one reader."""
        with self.change:
            job = self.jobs.get(job_id)
            if job is None or job.taken:
                return None
            job.taken = True
            self.readers += 1
            return job

    def free(self, job):
        """Its place, while its reader is still being told the end."""
        with self.change:
            self.jobs.pop(job.id, None)
            self.change.notify_all()

    def close(self, job):
        self.free(job)
        with self.change:
            self.readers -= 1
            self.change.notify_all()

    # -- heartbeats

    def status(self):
        if self.leaving:
            return "stopped"
        if not self.started:
            return "starting"
        return "busy" if len(self.jobs) >= self.options.capacity else "ready"

    def heartbeats(self):
        """One at once, one whenever the status changes, one every --heartbeat-s."""
        while not self.leaving:
            self.started = self.started or self.local_is_up()
            status, reached = self.tell()
            pause = self.options.heartbeat_s if reached and self.started else min(RETRY_S, self.options.heartbeat_s)
            with self.change:
                dropped_in = min((job.until - time.monotonic() for job in self.jobs.values() if not job.taken), default=pause)
                self.change.wait_for(lambda: self.status() != status, min(pause, max(dropped_in, 0)))
                self.prune()

    def local_is_up(self):
        try:
            local, _ = connect(self.options.upstream, RETRY_S)
            local.connect()
            local.close()
            return True
        except LOST:
            return False

    def tell(self, timeout=10):
        """Tells the broker of every model, one heartbeat after the other, so that the last one is the truth. Returns the
        status that was told, and whether all got through."""
        with self.telling:
            status = self.status()
            return status, all([self.tell_model(model, status, timeout) for model in self.options.model])

    def tell_model(self, model, status, timeout):
        o = self.options
        worker = {"id": o.id, "model_id": model, "device": "cpu", "port": self.port, "status": status, "implementation": "push_worker.py",
                  "version": "0.1", "capacity": o.capacity, **({} if o.host in ("", "0.0.0.0", "::") else {"host": o.host})}
        body = json.dumps({"worker": worker, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.key}"} if self.key else {})}
        try:
            broker, prefix = connect(o.broker, timeout)
            broker.request("POST", prefix + "/v1/worker-heartbeat", body, headers)
            answer = broker.getresponse()
            said = answer.read().decode(errors="replace")
            broker.close()
        except LOST as error:
            print(f"push worker: the broker: {error}", file=sys.stderr, flush=True)
            return False
        if answer.status == 200:
            self.accepted = True
            return True
        print(f"push worker: the broker answered {answer.status}: {said}", file=sys.stderr, flush=True)
        if not self.accepted and answer.status in (400, 401, 403, 409):  # It would say so again.
            os._exit({401: 4, 403: 4, 409: 6}.get(answer.status, 1))
        return False

    # -- the end

    def leave(self):
        """No new jobs; the running ones may end."""
        self.tell(timeout=2)
        with self.change:
            self.change.wait_for(lambda: not self.readers, self.options.grace)
        os._exit(0)

    def signalled(self, *_):
        if self.leaving:
            os._exit(130)
        self.leaving = True
        threading.Thread(target=self.leave, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, timeout, disable_nagle_algorithm, wbufsize = "HTTP/1.1", IDLE_CONNECTION_S, True, -1
    worker = None

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def refuse(self, status, message):
        self.close_connection = True
        self.answer(status, {"error": {"message": message}})

    def do_POST(self):
        if self.path != "/v1/inference":
            return self.refuse(404, "not found")
        try:
            size = int(self.headers.get("Content-Length", "0"))
            if not 0 <= size <= BODY_BYTES_MAX:
                return self.refuse(413, "the body is too large")
            request = json.loads(self.rfile.read(size))
            limit = request.get("max_tokens", 1024)
            if not isinstance(request["prompt"], str) or not isinstance(limit, int) or limit < 1:
                raise ValueError
        except (ValueError, KeyError, AttributeError, TypeError):
            return self.refuse(400, "the body must be JSON with a prompt; max_tokens a whole number above 0")
        if request.get("model", self.worker.options.model[0]) not in self.worker.options.model:
            return self.refuse(404, f"there is no model {request['model']!r} here")
        job = self.worker.submit(request)
        if job is None:
            return self.refuse(503, f"all {self.worker.options.capacity} places are taken")
        self.answer(200, {"job_id": job.id, "sse_url": f"/v1/inference/{job.id}/stream"})

    def do_GET(self):
        found = re.fullmatch(r"/v1/inference/([0-9a-f]{32})/stream", self.path)
        job = self.worker.take(found.group(1)) if found else None
        if job is None:
            return self.refuse(404, "there is no such job, or somebody reads it already")
        try:
            self.stream(job)
        except LOST:
            pass  # The reader has gone.
        finally:
            job.stop()
            self.hang_up()
            self.worker.close(job)

    def stream(self, job):
        self.close_connection = True  # The end of the connection is the end of the stream.
        self.send_response(200)
        for header in (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("Connection", "close")):
            self.send_header(*header)
        self.end_headers()
        self.wfile.flush()
        threading.Thread(target=self.watch, args=(job,), daemon=True).start()
        try:
            for token in job.tokens(self.worker.options):
                if token:
                    self.wfile.write(event(token).encode())
                    self.wfile.flush()
            end = "[DONE]"
        except (*LOST, AttributeError, TypeError) as error:
            end = json.dumps({"error": {"message": str(error)}})
        self.worker.free(job)  # Whoever reads the end may come with the next job at once.
        if not job.stopped.is_set():
            self.wfile.write(event(end).encode())
            self.wfile.flush()

    def watch(self, job):
        """A reader says nothing more after its request: whatever comes is its end, or ours."""
        while not job.stopped.is_set():
            try:
                self.connection.recv(1, socket.MSG_PEEK)
                job.stop()
            except TimeoutError:
                pass
            except OSError:
                job.stop()

    def hang_up(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)  # Wakes the watch.
        except OSError:
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 128

    def handle_error(self, *_):
        pass  # A peer that breaks off.


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", default=os.environ.get("SIGNALBOX_URL", "http://127.0.0.1:8642"))
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on and to announce")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--id", default=f"push-{socket.gethostname()}-{os.getpid()}")
    parser.add_argument("--model", action="append", required=True, help="may be given several times")
    parser.add_argument("--capacity", type=int, default=1, help="jobs at once, whatever their model")
    parser.add_argument("--delay-ms", type=float, default=0, help="before each word that is echoed")
    parser.add_argument("--upstream", help="a local server that speaks the OpenAI API; else the prompt is echoed")
    parser.add_argument("--key", help="the broker's")
    parser.add_argument("--heartbeat-s", type=float, default=30)
    parser.add_argument("--grace", type=float, default=30, help="seconds that jobs may go on after SIGTERM")
    worker = Worker(parser.parse_args())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.signalled)
    Handler.worker, Server.address_family = worker, socket.AF_INET6 if ":" in worker.options.host else socket.AF_INET
    server = Server((worker.options.host, worker.port), Handler)
    worker.port = server.server_address[1]
    host = f"[{worker.options.host}]" if ":" in worker.options.host else worker.options.host
    print(f"push worker {worker.options.id} ready on http://{host}:{worker.port}", flush=True)
    threading.Thread(target=worker.heartbeats, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
