"""An SSH server that lets one user in by password, without an account on this machine: SFTP, and commands by a shell.

    ssh_peer.py PORT HOST_KEY USER PASSWORD
"""

import asyncio
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")  # of the ciphers that the library still knows

import asyncssh  # noqa: E402


async def run_command(process):
    child = await asyncio.create_subprocess_shell(process.command or "true", stdin=subprocess.PIPE,
                                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
    process.exit(await child.wait())


async def serve(port, host_key, user, password):
    class Server(asyncssh.SSHServer):
        def password_auth_supported(self):
            return True

        def validate_password(self, username, given):
            return (username, given) == (user, password)

    await asyncssh.create_server(Server, "127.0.0.1", port, server_host_keys=[host_key], sftp_factory=True,
                                 process_factory=run_command, encoding=None)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
