"""The file notify.toml: every fault with its line, and secrets in files of their own."""

import pytest

from quartier.notification.settings import find_secret_warnings, load_settings, read_secret
from quartier_drivers.errors import ConfigError

MAIL = """
[channels.duty]
kind = "smtp"
host = "mail.example"
sender = "b012@example.org"
recipients = ["duty@example.org"]
"""


@pytest.fixture
def load(tmp_path):
    def read(text):
        (tmp_path / "notify.toml").write_text(text)
        return load_settings(tmp_path / "notify.toml")

    return read


def test_a_small_file_has_usual_values(load):
    channel = load(MAIL).channels["duty"]
    assert (587, "starttls", "warning", True, 30.0, 20) == (
        channel.port,
        channel.security,
        str(channel.severity),
        channel.cleared,
        channel.group_s,
        channel.per_hour_max,
    )
    assert channel.quiet is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "notify.toml: channels: is missing"),
        ("[channels]", "channels: "),
        (
            "[channels.a]\nkind = 'fax'",
            "notify.toml:2: channels.a.kind: is 'fax'; expected one of smtp, webhook, ntfy, mqtt",
        ),
        (MAIL + "port = 70000", "notify.toml:7: channels.duty.port: 70000 is wrong"),
        (MAIL + "recipents = []", "did you mean 'recipients'?"),
        (MAIL.replace("duty@example.org", "duty"), "'duty' is not a mail address; expected NAME@HOST"),
        (MAIL.replace("duty@example.org", "a@b\\nBcc: c@d"), "is not a mail address"),
        (MAIL + 'security = "none"', 'security = "none" is for a server on this machine'),
        (MAIL + 'user = "b012"', "user and password_file need each other"),
        (MAIL + "quiet = { from = '25:00' }", "'25:00' is not a time of day; expected HH:MM"),
        (MAIL + "severity = 'fatal'", "'critical', 'warning' or 'notice'"),
        ("[channels.a]\nkind = 'webhook'\nurl = 'http://x.example/'", "is not encrypted; expected https://"),
        (
            "[channels.a]\nkind = 'ntfy'\nurl = 'ntfy.sh/b012'",
            "is not a web address; expected https://HOST/PATH",
        ),
        ("[channels.a]\nkind = 'mqtt'\nurl = 'mqtt://b.example'\ntopic = 'a'", "is not encrypted"),
        ("[channels.a]\nkind = 'mqtt'\nurl = 'mqtts://b'\ntopic = 'a/#'", "is not a topic to publish to"),
        ("channels = x y", "notify.toml:1"),
        (
            "[channels.a]\nkind = 'ntfy'\nurl = 'https://ntfy.sh/'",
            "has no topic; expected https://HOST/TOPIC",
        ),
        ("[channels.a]\nkind = 'webhook'\nurl = 'https://u:p@x/'", "holds a login; expected it in a file"),
        ("[channels.a]\nkind = 'webhook'\nurl = 'https://x:99999/'", "is not a web address"),
    ],
)
def test_a_fault_names_file_line_and_key(load, text, words):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert words in "\n".join(map(str, caught.value.faults))


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_settings(tmp_path / "notify.toml")


def test_secrets_that_others_may_read_or_that_are_missing_are_warned_of(load, tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    text = MAIL + f'user = "b012"\npassword_file = "{secret}"'
    secret.chmod(0o640)
    assert [] == find_secret_warnings(load(text))
    secret.chmod(0o644)
    (warning,) = find_secret_warnings(load(text))
    assert "is open to others; expected chmod 0640" in warning
    (warning,) = find_secret_warnings(load(text.replace(str(secret), "/nowhere")))
    assert "No such file" in warning
    (warning,) = find_secret_warnings(load(text.replace(str(secret), "credential:mail")))
    assert "systemd gave no credentials" in warning


@pytest.mark.parametrize("content", ["", "\n", "   \nx", "x" * 5000])
def test_a_secret_is_one_line(tmp_path, content):
    (tmp_path / "good").write_text("hunter2\nmore")
    assert "hunter2" == read_secret(str(tmp_path / "good"))
    (tmp_path / "bad").write_text(content)
    with pytest.raises(ValueError, match="expected one line with the secret"):
        read_secret(str(tmp_path / "bad"))


def test_a_credential_of_systemd_is_read_from_its_folder(tmp_path, monkeypatch):
    (tmp_path / "mail").write_text("hunter2")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "hunter2" == read_secret("credential:mail")
