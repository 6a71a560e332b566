"""OpenStack Swift with its S3 interface for tests/real_swift.rs: one disk, one copy, everything in FOLDER, the proxy on PORT.

Usage: server.py FOLDER PORT. `ada` owns the account `shop` with the bucket `backups`; `bob` is nobody in it.
"""

import base64
import email.utils
import hashlib
import hmac
import http.client
import os
import socket
import subprocess
import sys
import time

SECRET = "canary-right-2b6d"
SERVERS = ("account", "container", "object")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def backend(kind, port):
    common = f"[DEFAULT]\nuser = root\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\nmount_check = false\n"
    # A listing that comes late would never hold the object: nothing here makes up for it.
    common += "container_update_timeout = 60\nconn_timeout = 20\n"
    common += f"swift_dir = {folder}\ndevices = {folder}/disks\nrecon_cache_path = {folder}\ndisable_fallocate = true\n"
    return common + f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"


def front(port):
    text = f"[DEFAULT]\nuser = root\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\nswift_dir = {folder}\n"
    text += "[pipeline:main]\npipeline = catch_errors gatekeeper listing_formats s3api tempauth slo dlo proxy-server\n"
    text += "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\nconn_timeout = 20\n"
    for name in ("catch_errors", "gatekeeper", "listing_formats", "slo", "dlo"):
        text += f"[filter:{name}]\nuse = egg:swift#{name}\n"
    text += "[filter:s3api]\nuse = egg:swift#s3api\nlocation = us-east-1\n"
    return text + f"[filter:tempauth]\nuse = egg:swift#tempauth\nuser_shop_ada = {SECRET} .admin\nuser_shop_bob = {SECRET}\n"


def serve(kind, config):
    """A process that runs the server of this kind. It leaves our group, so it asks to be ended (SIGKILL) with us (prctl)."""
    code = (
        "import ctypes, sys; ctypes.CDLL(None).prctl(1, 9);"
        "from swift.common import utils; utils.set_swift_dir(sys.argv[2]);"
        "from swift.common.wsgi import run_wsgi; sys.exit(run_wsgi(sys.argv[1], sys.argv[3] + '-server'))"
    )
    return subprocess.Popen([sys.executable, "-c", code, config, folder, kind])


def put(port, path):
    """A signed PUT, in the older way that needs three lines."""
    date = email.utils.formatdate(usegmt=True)
    text = f"PUT\n\n\n{date}\n{path}".encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha1).digest()).decode()
    asked = http.client.HTTPConnection("127.0.0.1", port)
    asked.request("PUT", path, headers={"Date": date, "Authorization": f"AWS shop:ada:{signature}"})
    return asked.getresponse().status


def main():
    os.makedirs(f"{folder}/disks/one")
    write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = only\ndefault = yes\n")
    builder = os.path.join(os.path.dirname(sys.executable), "swift-ring-builder")
    for kind in SERVERS:
        port, ring = free_port(), f"{folder}/{kind}.builder"
        for step in (["create", "1", "1", "0"], ["add", f"r1z1-127.0.0.1:{port}/one", "1"], ["rebalance"]):
            subprocess.run([builder, ring, *step], check=True, stdout=subprocess.DEVNULL)
        serve(kind, write(f"{kind}.conf", backend(kind, port)))
    hidden = free_port()
    proxy = serve("proxy", write("seed.conf", front(hidden)))
    # The port that the test waits for opens when the bucket is there.
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if put(hidden, "/backups") == 200 and put(hidden, "/backups/2026.tar") == 200:
                break
        except OSError:
            pass
        time.sleep(0.05)
    proxy.kill()
    serve("proxy", write("proxy.conf", front(int(sys.argv[2])))).wait()


folder = sys.argv[1]
main()
