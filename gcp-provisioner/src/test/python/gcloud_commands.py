"""Google's own command line reads the commands of pages and the files of roles. Nobody is logged in, so that each command ends once it is read.

Arguments: the gcloud command, then pages and role files.
"""
import contextlib
import io
import os
import re
import shlex
import sys
import tempfile

READ = "You do not currently have an active account selected"


def main(gcloud, files):
    for name in [name for name in os.environ if name.startswith(("CLOUDSDK_", "GOOGLE_"))]:
        del os.environ[name]
    os.environ["CLOUDSDK_CONFIG"] = tempfile.mkdtemp()
    # Or a machine of Google's would be asked for its account.
    os.environ["CLOUDSDK_CORE_CHECK_GCE_METADATA"] = "false"
    root = os.path.dirname(os.path.dirname(os.path.realpath(gcloud)))
    sys.path[:0] = [root + "/lib", root + "/lib/third_party"]
    from googlecloudsdk import gcloud_main
    from googlecloudsdk.api_lib.util import apis
    from googlecloudsdk.command_lib.iam import iam_util
    from googlecloudsdk.core import log

    cli = gcloud_main.CreateCLI([])
    commands = roles = 0
    wrong = []
    for file in files:
        if file.endswith(".yaml"):
            role = iam_util.ParseYamlToRole(file, apis.GetMessagesModule("iam", "v1").Role)
            roles += 1
            if not role.includedPermissions or not role.title:
                wrong.append(file + ": " + str(role))
            continue
        with open(file, encoding="utf-8") as page:
            blocks = re.findall(r"```sh\n(.*?)```", page.read(), re.DOTALL)
        for line in (line for block in blocks for line in block.split("\n") if line.startswith("gcloud ")):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                log.Reset(said, said)
                try:
                    cli.Execute(shlex.split(line)[1:])
                except SystemExit:
                    pass
            commands += 1
            if READ not in said.getvalue():
                wrong.append(line + "\n" + said.getvalue())
    for one in wrong:
        print(one)
    print("%d commands and %d roles, %d wrong" % (commands, roles, len(wrong)))


main(sys.argv[1], sys.argv[2:])
