"""What looks like a secret is neither recorded nor shown; what only resembles one is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.redaction import redacted, redacted_value

from tests.store.journals import fresh, make_run

# Put together here, so that no scanner takes this file for one that holds secrets.
SECRETS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "gh" + "p_" + "a1B2" * 9,
    "github" + "_pat_" + "a1B2" * 11,
    "gl" + "pat-" + "a1B2c3D4e5F6g7H8i9J0",
    "xo" + "xb-123456789012-abcdefghij",
    "h" + "f_" + "AbCdEfGh" * 4,
    "s" + "k-proj-" + "aB3dE6gH9" * 4,
    "s" + "k-ant-api03-" + "aB3dE6gH9" * 4,
    "AI" + "za" + "SyA1b2C3d4" * 3 + "e5F6g",
    "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
    "s" + "k_live_" + "a1B2c3" * 4,
    "dck" + "r_pat_" + "a1B2c3" * 5,
    "nv" + "api-" + "a1B2c3" * 9,
    "ya" + "29." + "a0AfH6SMa1B2c3" * 3,
    "S" + "G." + "a1B2c3" * 4 + "." + "a1B2c3" * 6,
    "gs" + "k_" + "a1B2c3" * 8,
    "hv" + "s." + "a1B2c3" * 5,
    "gl" + "rt-" + "a1B2c3" * 5,
    "xa" + "pp-1-A0B1-" + "a1B2c3" * 5,
    "ATA" + "TT3xFf" + "a1B2c3_-" * 8,
    "lsv" + "2_pt_" + "a1B2c3d4" * 4 + "_a1b2",
    "xa" + "i-" + "a1B2c3" * 8,
    "GOC" + "SPX-" + "a1B2c3_" * 4,
    "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda text: text[:8])
@pytest.mark.parametrize(
    "before",
    [
        *("\x1b[32m", "\x1b[1;31m", "\x1b[m", "\\x1b[0m", "\\u001b[33m", "A=1\\n", "x\\t", "\\x00", "\\u0000"),
        *("%3D", "user_", "it's:", "é "),
    ],
)
def test_a_secret_is_cut_out_behind_what_is_no_word(secret: str, before: str) -> None:
    assert redacted(f"{before}{secret}\x1b[0m").startswith(f"{before}REDACTED")


@pytest.mark.parametrize("secret", SECRETS, ids=lambda text: text[:8])
@pytest.mark.parametrize("around", ["{}", "the value is {} here", "x={},y", "'{}'", "--token {}", '{{"a": "{}"}}'])
def test_a_secret_is_cut_out_wherever_it_stands(secret: str, around: str) -> None:
    text = redacted(around.format(secret))
    assert secret not in text and "REDACTED" in text
    assert text.startswith(around.partition("{}")[0].replace("{{", "{"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:hunter2@example.org/x", "https://me:REDACTED@example.org/x"),
        ("https://me:p@ss@w@example.org/a@b", "https://me:REDACTED@example.org/a@b"),
        ("two: 'ftp://a:bcd@e', \"x://f:gh@\"", "two: 'ftp://a:REDACTED@e', \"x://f:gh@\""),
        ("https://me:hun/ter2@example.org/x", "https://me:REDACTED@example.org/x"),
        ("curl -s -u me:hunter2 https://h/x", "curl -s -u me:REDACTED https://h/x"),
        ("['curl', '--user', 'me:hunter2', 'h']", "['curl', '--user', 'me:REDACTED', 'h']"),
        ("curl --proxy-user='me:hunter2' h", "curl --proxy-user='me:REDACTED' h"),
        ("curl h -ume:hunter2", "curl h -ume:REDACTED"),
        ("[('Accept', '*'), ('x-api-key', 'abcd1234')]", "[('Accept', '*'), ('x-api-key', 'REDACTED')]"),
        (
            "\x1b[36mpassword\x1b[0m=\x1b[33mhunter2hunter2\x1b[0m lr=1",
            "\x1b[36mpassword\x1b[0m=\x1b[33mREDACTED\x1b[0m lr=1",
        ),
        ("\x1b[1mpassword:\x1b[0m hunter2hunter2", "\x1b[1mpassword:\x1b[0m REDACTED"),
        ("password\x1b[39m:\x1b[38m \x1b[39mhunter2hunter2", "password\x1b[39m:\x1b[38m \x1b[39mREDACTED"),
        ("\x1b[2K\x1b[1Gpassword=\x1b[Khunter2hunter2", "\x1b[2K\x1b[1Gpassword=\x1b[KREDACTED"),
        ("\x1b[01;31m\x1b[K" + SECRETS[1] + "\x1b[m", "\x1b[01;31m\x1b[KREDACTED\x1b[m"),
        ("pass\x1b[1mword\x1b[0m=hunter2\x1b[7mhunter2\x1b[0m!", "pass\x1b[1mword\x1b[0m=REDACTED"),
        ("curl -sSu me:hunter2 h", "curl -sSu me:REDACTED h"),
        ("curl -H 'a: b; c' \\\n  -u me:hunter2 h", "curl -H 'a: b; c' \\\n  -u me:REDACTED h"),
        ("Server=h; Uid=me; Pwd=hunter2hunter2; Db=x", "Server=h; Uid=me; Pwd=REDACTED; Db=x"),
        ("-----BEGIN PGP PRIVATE" + " KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK----- x", "REDACTED x"),
        ("\x1b]8;;https://h/" + SECRETS[1] + "\x07link\x1b]8;;\x07", "\x1b]8;;https://h/REDACTED\x07link\x1b]8;;\x07"),
        ("\x1b]8;;postgres://me:pa55w0rd@h/x\x1b\\link", "\x1b]8;;postgres://me:REDACTED@h/x\x1b\\link"),
        ("\x1b]0;deploy API_KEY=abcd1234efgh\x07x", "\x1b]0;deploy API_KEY=REDACTED\x07x"),
        ("\x1b" + SECRETS[1], "\x1bREDACTED"),
        ("\x1b[1mAPI_KEY: \x1b[0mabcdefgh1\x1b[2m x", "\x1b[1mAPI_KEY: \x1b[0mREDACTED\x1b[2m x"),
        (
            r"{\"a\": \"\u001b[1mapi_key\u001b[0m=\u001b[33mabcdefgh1",
            r"{\"a\": \"\u001b[1mapi_key\u001b[0m=\u001b[33mREDACTED",
        ),
        ("Server=h;Uid=me;Pwd=hunter2hunter2;Db=x", "Server=h;Uid=me;Pwd=REDACTED;Db=x"),
        ("redis://:hunter2xx@h:6379/0", "redis://:REDACTED@h:6379/0"),
        ("git clone https://abcdefgh12345678ijklmn@example.org/x", "git clone https://REDACTED@example.org/x"),
        ("https://example.org/?a=1&token=abcdefgh12345678", "https://example.org/?a=1&token=REDACTED"),
        ("train --token abcdef1234567 --epochs 3", "train --token REDACTED --epochs 3"),
        ('{"token": "a1b2c3d4e5f6a7b8c9d0", "n": 1}', '{"token": "REDACTED", "n": 1}'),
        ('{\\"token\\": \\"a1b2c3d4e5f6a7b8c9d0\\"}', '{\\"token\\": \\"REDACTED"}'),
        ("export VAULT_TOKEN=a1b2c3d4e5f6a7b8c9d0; run", "export VAULT_TOKEN=REDACTED; run"),
        (
            "login(token=a1b2c3d4e5f6a7b8c9d0) cfg.token = 'a1b2c3d4e5f6a7b8'",
            "login(token=REDACTED cfg.token = 'REDACTED'",
        ),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751",
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=REDACTED",
        ),
        ("/k?Expires=1&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&x=1", "/k?Expires=1&Signature=REDACTED&x=1"),
        ("hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX", "hooks.slack.com/services/REDACTED"),
        ("sas_token=sas-P4ssP4ss db_pwd=hunter2hunter", "sas_token=REDACTED db_pwd=REDACTED"),
        ("npm_" + "a1B2" * 9, "REDACTED"),
        ("pypi-AgEIcHlwaS5vcmc" + "aB3_" * 20, "REDACTED"),
        ("password='a long pass phrase', lr=0.1", "password='REDACTED', lr=0.1"),
        ("{'password': b'abcdefgh1'}", "{'password': b'REDACTED'}"),
        ("https://a.blob.core/x?sv=1&sig=" + "aB3%2F" * 6, "https://a.blob.core/x?sv=1&sig=REDACTED"),
        ("AccountKey=" + "aB3+" * 21 + "==;Suffix", "AccountKey=REDACTED;Suffix"),
        ("password = 'correct-horse'", "password = 'REDACTED'"),
        ("API_KEY=abcdefgh123 next", "API_KEY=REDACTED next"),
        ("MY_API_KEY=abcdefgh123 DB_PASSWORD=hunter2hunter2x", "MY_API_KEY=REDACTED DB_PASSWORD=REDACTED"),
        ("AWS_SECRET_ACCESS_KEY=ab/cd+efgh and more", "AWS_SECRET_ACCESS_KEY=REDACTED and more"),
        ("İ API_KEY=abcdefgh123 İ", "İ API_KEY=REDACTED İ"),
        ("train --api-key=abcd1234 x", "train --api-key=REDACTED x"),
        ("train --hf-token abcd1234 --epochs 3", "train --hf-token REDACTED --epochs 3"),
        ("['train', '--password', 'abcdefgh']", "['train', '--password', 'REDACTED']"),
        ("curl -H 'Authorization: Bearer abc.def-1' x", "curl -H 'Authorization: Bearer REDACTED' x"),
        ("with Bearer abcdefghij0123456789", "with Bearer REDACTED"),
        ("{'x-api-key': 'abcd1234'}", "{'x-api-key': 'REDACTED'}"),
        ('{\\"apiKey\\": \\"abcd1234\\", 1}', '{\\"apiKey\\": \\"REDACTED", 1}'),
        ("client_secret=abcd1234 JWT_SECRET: abcdefgh", "client_secret=REDACTED JWT_SECRET: REDACTED"),
        ('SECRET_KEY = "abcd1234"', 'SECRET_KEY = "REDACTED"'),
        ('os.environ["HF_TOKEN"] = "abcdefgh"', 'os.environ["HF_TOKEN"] = "REDACTED"'),
        ("its api key: " + "0a" * 20 + ".", "its api key: REDACTED"),
        ("'api_key' => 'abcdefgh'", "'api_key' => 'REDACTED'"),
        ("api_key      : hunter2hunter", "api_key      : REDACTED"),
        ('{"password": "abc\'defghijkl"}', '{"password": "REDACTED"}'),
        (r'"password": "ab\"cdefghijk", "x": 1', '"password": "REDACTED", "x": 1'),
        ('api_key: Optional[str] = "abcdefgh1"', 'api_key: Optional[str] = "REDACTED"'),
        ('{"name": "API_KEY", "value": "abcdefgh1"}', '{"name": "API_KEY", "value": "REDACTED"}'),
        ("- name: API_KEY\n  value: abcdefgh1", "- name: API_KEY\n  value: REDACTED"),
        (
            "AZURE_STORAGE_KEY=" + "aB3+" * 21 + "== KAGGLE_KEY=abcdefgh1",
            "AZURE_STORAGE_KEY=REDACTED KAGGLE_KEY=REDACTED",
        ),
        ("DB_PASS=hunter2hunter ssh_pass: hunter2hunter", "DB_PASS=REDACTED ssh_pass: REDACTED"),
        ("MYSQL_ROOT_PASS=hunter2hunter", "MYSQL_ROOT_PASS=REDACTED"),
        ("│ password   │ hunter2hunter │", "│ password   │ REDACTED │"),
        ("| a | 1 |\n| api_key | hunter2hunter |", "| a | 1 |\n| api_key | REDACTED |"),
        ("ENV API_KEY abcd1234", "ENV API_KEY REDACTED"),
        ("docker login -u me -p hunter2 h", "docker login -u me -p REDACTED h"),
        ("['docker', 'login', '-p', 'hunter2']", "['docker', 'login', '-p', 'REDACTED']"),
        ("wandb login --relogin " + "0a" * 20, "wandb login --relogin REDACTED"),
        ("machine h login user password hunter2 x", "machine h login user password REDACTED x"),
        ("sshpass -p hunter2 ssh h", "sshpass -p REDACTED ssh h"),
        ("mysql -u root -phunter2 db", "mysql -u root -pREDACTED db"),
        ("mysql -uroot -p'hunter2' db", "mysql -uroot -p'REDACTED' db"),
        ("os.environ.setdefault('API_KEY', 'abcd1234')", "os.environ.setdefault('API_KEY', 'REDACTED')"),
        ('monkeypatch.setenv("API_KEY", "abcd1234")', 'monkeypatch.setenv("API_KEY", "REDACTED")'),
        ("aws configure set aws_secret_access_key a/b+c1234 x", "aws configure set aws_secret_access_key REDACTED x"),
        ("az login --service-principal -u a -p hunter2 -t t", "az login --service-principal -u a -p REDACTED -t t"),
        ("GITHUB_PAT=abcdefgh1 AZURE_DEVOPS_EXT_PAT=abcdefgh", "GITHUB_PAT=REDACTED AZURE_DEVOPS_EXT_PAT=REDACTED"),
        ("SECRET_KEY_BASE=abcdefgh accessKeySecret: abcdefg1", "SECRET_KEY_BASE=REDACTED accessKeySecret: REDACTED"),
        ("X-Vault-Token: s.abcdefgh DISCORD_TOKEN=ab.cd.efgh", "X-Vault-Token: REDACTED DISCORD_TOKEN=REDACTED"),
        ("/triggers/run?sv=1.0&sig=" + "aB3-_" * 8, "/triggers/run?sv=1.0&sig=REDACTED"),
        ("discord.com/api/webhooks/123456/" + "aB3-_" * 8, "discord.com/api/webhooks/123456/REDACTED"),
        ("https://api.telegram.org/bot123:" + "aB3-_" * 8 + "/x", "https://api.telegram.org/botREDACTED/x"),
        ("PASSWORD=Summer(2024)! password=a[b]c#defgh", "PASSWORD=REDACTED password=REDACTED"),
        ("send: 'Cookie: session=abcdef1234567; b=c'", "send: 'Cookie: REDACTED'"),
    ],
)
def test_what_stands_around_it_stays(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "disk-0123456789abcdef0123456789abcdef task-0123456789abcdef0123456789abcdef",
        "sk-learn-model_checkpoint_final_version_2",
        "sk-RandomForest-Depth10-Seed42",
        "models/sk-KaggleChallenge-2026-Final/model.pkl",
        "outputs/hf_tokenizer/vocab.json",
        "token: embedding token=12345678901234 token='<|endoftext|>' next token: the_quick_brown_fox",
        "time per token=0.000012345ms bos token: reserved_special_token_10 token: models/v2/tokenizer.json",
        "PWD=/home/me/projects/digits OLDPWD=/home/me/project2 OLD_PWD=/home/me/project3",
        'api_key = os.getenv("MY_KEY"); f(token=None, api_key=os.environ["API_KEY"]); hf_token = HfFolder.get_token()',
        '{"password": "", "note": "a long text, here"}',
        "abfss://my-training-data-2024-eu-1@account.dfs.core/p --max-token 12345678 --token 50257",
        "tokens: 123456789, access_token=12345678.5",
        "max_tokens=4096 pad_token_id=0 pad_token='<|endoftext|>' num_tokens=12_345_678",
        "tokenizer=bert-base-uncased token=abcdefghij secret_dim=abcdefgh sort_key=accuracy",
        "usage: train [--api-key API_KEY] [--password PASSWORD]",
        "error: argument --api-key: expected one argument",
        "The secret: patience. API key: not-configured. authorization: required-by-them",
        "train --api-key $OPENAI_API_KEY --hf-token ${{inputs.token}} --password --verbose",
        "public_key=abcdefghijk primary_key: customer_id cache_key=0123abcd4567",
        "missing keys: encoder.layer.0.weight key: attention.q_proj.weight",
        "https://example.org:8080/a@b",
        "curl -u $USER:$PASSWORD h; docker run -u 1000:1000 x && curl -U me: x | sort -u a:bcd",
        "curl -o file:name x -i --user-agent me:agent",
        "('password', 'username', 'email') ('access_token', 'refresh_token') ('access_key', 'row_number_three')",
        'CREATE TABLE t ("password" varchar(255) NOT NULL)',
        "tcp://[2001:db8::1]:23456/rank@0 docker://localhost:registry/x@sha256:0a1 s3://bucket:p/with@sign",
        "curl x -o y && docker run -u root:root z; curl x & sudo -u me:mine y; curl x | sort -u a:bcd",
        "click.option('--password', prompt_required=True) f('--hf-token', default=None, help=\"y\")",
        "set x;pwd : something else",
        "os.getenv('API_KEY', 'not-configured') f('password', 'a_message_of_it')",
        "a key error: KeyError('passwords')",
        "docker run --name mysql -p 3306:3306 mysql:8 -p3306; docker login -u me --password-stdin",
        "docker login -password-stdin h; mysql -path=/x/y",
        "│ password │ username │ api_key: Optional[str] f(api_key: str, x: int = 3)",
        "cat password | base64decode; key_of: password | grep x12345678",
        "forward pass: 12.3ms user_pass=3 first_pass=abcdefgh1 cookies: 3 the cookie: is=good msg.abc",
        "password='', name='something long'; it's: password='x'; y='abcdefghijk'",
        '{"api_key": "abc", "other_name": "long value here"}',
        "password = (sensitive value) push_to_hub_token=<PUSH_TO_HUB_TOKEN> api_key: <your-key>",
        "hf_key: model.layers.0.weight1 replicate_key='attention_mask1'",
        "set password hashing2345 in env; OPENAI_KEY=$OPENAI_KEY",
        "api_key=settings.openai_api_key, password: str = Form(...) API_KEY: secrets.OPENAI_API_KEY",
        "client = OpenAI(api_key=openai_api_key, hub_token=self._hub_token)",
        "self.password = password; db_password = get_password_of(name) raise E(f'wrong password: {password}')",
        "access_token = access_tokens[i]; secret_key=tensor([1, 2]) secret_key: torch.float32 bot_token: float32[64,6]",
        "Args(hub_token=<HUB_TOKEN>, push_to_hub_token=<PUSH_TO_HUB_TOKEN>) password=******** password: [hidden]",
        "Loading API key: 100%|██████| 12/12; root pass: 12345ms/iter user_pass=0.123456e-4s",
        "private_key=/home/me/.ssh/id_rsa private_key: ~/.ssh/id_rsa | api_key | VARCHAR(64) | password: varchar(255)",
        "git config set user.name someone1 pat: abcdefgh1 next_pat=abcdefgh1",
        "password:",
        "epoch 3 key=value",
        "azureml:data:1 azureml://datastores/x/paths/y",
        "3f1553743b72b5df6710b7864736169e78318910068f15ed71f9f5c51edab55c",
    ],
)
def test_what_only_resembles_one_is_left_alone(text: str) -> None:
    assert redacted(text) == text


def test_a_text_under_a_secrets_name_is_cut_out_whole() -> None:
    kept = {
        "pad_token": "<pad>",
        "lr": 0.1,
        "hf_token": 3,
        "secret_dim": "64",
        "password_length": "x",
        "private_key": "/home/me/.ssh/id_rsa",
        "session_token": "[CLS]",
        "bot_token": "<|bot|>",
        "secret": "none",
    }
    assert redacted_value({"api_key": "short", "db.password": "x", **kept, "n": {"SECRET": ["a"]}}) == {
        **{"api_key": "REDACTED", "db.password": "REDACTED", **kept, "n": {"SECRET": ["REDACTED"]}}
    }
    assert redacted_value({"argv": ["--api-key", "short", "--epochs", "short"]}) == {
        "argv": ["--api-key", "REDACTED", "--epochs", "short"]
    }
    assert redacted_value({"x-api-key": "short", "clientSecret": "x"}) == {
        "x-api-key": "REDACTED",
        "clientSecret": "REDACTED",
    }


@pytest.mark.parametrize("secret", SECRETS[:7], ids=lambda text: text[:8])
def test_names_keys_and_paths_are_recorded_as_they_are(layout: WorkspaceLayout, secret: str) -> None:
    """What leads to a file has to lead there, however it is called."""
    journals = make_run(layout, "r")
    writer = JournalWriter(journals, "client")
    writer.event("artifact", path=f"outputs/{secret}.pkl", kind="output", size=1, hash=None)
    writer.event("media", kind="image", key=secret, step=0, rank=0, format="png", path=f"media/{secret}.png", size=1)
    writer.event("params", params={secret: 1})
    writer.close()
    store = fresh(layout)
    assert [one.path for one in store.artifacts("r")] == [f"outputs/{secret}.pkl"]
    assert [one.key for one in store.media("r")] == [secret]
    assert list(store.params("r")) == [secret]


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        *("sk-", "-eyJ", "eyJaaaaaaaaaaaa.", "://a:", "password=", "password=1", "hf_", "AKIA", "xoxb-"),
        *("api_key=1 ", "api_key: ", "--password ", "bearer a", "api key ", "secret:", "--"),
        *("curl ", "curl -u a", "('key', '", "://a:b/"),
        *("mysql ", "docker login ", "Cookie: a=bcdefghi", "password|", "password\u2502", "password         ", "SG."),
        *('password": "\\\\', "password value", "api_key: str ", "machine a login b ", "wandb login --a "),
    ],
)
def test_no_line_takes_long_however_odd(piece: str) -> None:
    """A time that grows with the square of the length would not end."""
    assert len(redacted(piece * (2_000_000 // len(piece)))) > 0


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize("secret", SECRETS[:7], ids=lambda text: text[:8])
def test_no_journal_and_no_table_has_it(layout: WorkspaceLayout, secret: str) -> None:
    journals = make_run(layout, "r")
    writer = JournalWriter(journals, "client")
    writer.event("run", name="r", command=f"train --key {secret}", display_name=f"with {secret}", description=secret)
    writer.event("params", params={"a": secret, "b": f"x {secret} y"})
    writer.event("tags", set={"t": secret}, remove=[])
    writer.event("warning", text=f"cannot use {secret}")
    writer.event("media", kind="text", key="k", step=0, rank=0, format="txt", content=secret, size=1)
    writer.close()
    fresh(layout)
    kept = b"".join(path.read_bytes() for path in layout.root.rglob("*") if path.is_file())
    assert secret.encode() not in kept
