"""Connections that break at any point of a delivery: all arrives, and only what was not confirmed is repeated."""

import collections
import json
import socket
import threading
import unittest

from dimse_peer import DimsePeer
from server import SystemTest, config
from web_peers import Stow


class CuttingProxy:
    """Passes a connection on, and cuts it after as many bytes towards the server as its turn has in `limits`. Once they
    are used up it cuts no more."""

    def __init__(self, test, port, limits):
        self.limits = collections.deque(limits)
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        test.addCleanup(self._listener.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            limit = self.limits.popleft() if self.limits else None
            server = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pass_on, args=(client, server, limit), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, client, None), daemon=True).start()

    @staticmethod
    def _pass_on(source, sink, limit):
        left = limit
        try:
            while left is None or left > 0:
                part = source.recv(16384 if left is None else min(left, 16384))
                if not part:
                    break
                sink.sendall(part)
                if left is not None:
                    left -= len(part)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class DispatchFaults(SystemTest):
    INSTANCES = 6
    # From within the association request to within the last instance; each has about 34 kB.
    CUTS = [10, 150, 400, 9_000, 34_500, 40_000, 69_000, 100_000, 150_000, 200_000]

    def start(self, target):
        self.server = self.start_server(config(
            targets={"far": target}, rules={"all": {"rule": "True", "target": "far"}}, retry_max=100, retry_delay=0.1))

    def deliver(self, number=0):
        """Sends one series and returns its task once it has arrived."""
        self.server.send(*self.make_series(f"series-{number}", instances=self.INSTANCES, seed=number))
        tasks = self.server.wait_for_tasks("success", number + 1)
        return max(tasks, key=lambda task: task.stat().st_mtime_ns)

    def test_a_dicom_connection_that_breaks_anywhere(self):
        peer = DimsePeer(self, lambda number, uid: 0x0000)
        proxy = CuttingProxy(self, peer.port, [])
        self.start({"target_type": "dicom", "ip": "127.0.0.1", "port": proxy.port, "aet_target": "PEER"})
        for number, cut in enumerate(self.CUTS):
            with self.subTest(cut=cut):
                peer.received.clear()
                proxy.limits.append(cut)
                task = self.deliver(number)
                self.assertEqual(len(set(peer.received)), self.INSTANCES)
                # Only the one whose answer was on its way may have come twice.
                self.assertLessEqual(len(peer.received), self.INSTANCES + 1)
                confirmed = [json.loads(line)["file"] for line in (task / "sent.log").read_text().splitlines()]
                self.assertEqual(len(confirmed), len(set(confirmed)))
                self.assertEqual(len(confirmed), self.INSTANCES)

    def test_an_http_connection_that_breaks_anywhere(self):
        stow = Stow(self)
        proxy = CuttingProxy(self, stow.port, [])
        self.start({"target_type": "dicomweb", "url": f"http://127.0.0.1:{proxy.port}/pacs", "stow_url_prefix": "stow",
                    "access_token": Stow.TOKEN})
        for number, cut in enumerate(self.CUTS):
            with self.subTest(cut=cut):
                stow.stored.clear()
                proxy.limits.append(cut)
                self.deliver(number)
                self.assertEqual(len(stow.stored), self.INSTANCES)

    def test_a_target_that_comes_and_goes_gets_everything_in_the_end(self):
        peer = DimsePeer(self, lambda number, uid: 0x0000)
        proxy = CuttingProxy(self, peer.port, [0] * 8)
        self.start({"target_type": "dicom", "ip": "127.0.0.1", "port": proxy.port, "aet_target": "PEER"})
        self.deliver()
        self.assertEqual(len(set(peer.received)), self.INSTANCES)
        self.assertIn("a target cannot be reached", self.server.log())
        self.server.wait_for_log("a target is back")

    def test_the_next_target_takes_over_while_one_is_away(self):
        peer = DimsePeer(self, lambda number, uid: 0x0000)
        away = socket.create_server(("127.0.0.1", 0))
        port = away.getsockname()[1]
        away.close()
        node = {"target_type": "dicom", "ip": "127.0.0.1", "aet_target": "PEER"}
        self.server = self.start_server(config(
            targets={"first": {**node, "port": port, "failover": ["second"]}, "second": {**node, "port": peer.port}},
            rules={"all": {"rule": "True", "target": "first"}}))
        for number in range(4):
            self.server.send(*self.make_series(f"series-{number}", instances=1, seed=number))
        tasks = self.server.wait_for_tasks("success", 4)
        self.assertEqual(len(peer.received), 4)
        for task in tasks:
            status = json.loads((task / "task.json").read_text())["dispatch"]["status"]
            self.assertEqual(status["first"]["via"], "second")


if __name__ == "__main__":
    unittest.main()
