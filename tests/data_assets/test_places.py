"""The forms of places: whatever the text, it is parsed or refused; what is parsed can be written back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench.data.secret_urls import holds_secret, without_secrets
from workbench.spec.places import Asset, BadPlace, InRegistry, JobOutput, OnDatastore, Remote, parse_place

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
PATHS = st.lists(st.text("abcXYZ019 -_.%+=", min_size=1, max_size=8).filter(lambda p: p not in (".", "..")), max_size=4)
LONG = "azureml://subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w/"


@given(st.text())
def test_any_text_is_a_place_or_is_refused_with_a_reason(text: str) -> None:
    for prefix in ("", "azureml:", "azureml://datastores/", "azureml://jobs/", "runs:", "s3://"):
        try:
            parse_place(prefix + text)
        except BadPlace as error:
            assert error.message


@given(NAMES, NAMES)
def test_assets(name: str, version: str) -> None:
    assert parse_place(f"azureml:{name}:{version}") == Asset(name, version)
    assert parse_place(f"azureml:{name}@{version}") == Asset(name, None, version)
    assert parse_place(f"{LONG}data/{name}/versions/{version}") == Asset(name, version, None, LONG[10:-1])


@given(NAMES, PATHS)
def test_paths_on_datastores(name: str, parts: list[str]) -> None:
    path = "/".join(parts)
    assert parse_place(f"azureml://datastores/{name}/paths/{path}") == OnDatastore(name, path)
    assert parse_place(f"azureml://datastores/{name}/paths//{path}/") == OnDatastore(name, path)
    assert parse_place(f"{LONG}datastores/{name}/paths/{path}") == OnDatastore(name, path, LONG[10:-1])


@given(NAMES, st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), PATHS)
def test_outputs_of_runs(run: str, output: str, parts: list[str]) -> None:
    path = "/".join(parts)
    assert parse_place(f"azureml://jobs/{run}/outputs/{output}") == JobOutput(run, output)
    assert parse_place(f"azureml://jobs/{run}/outputs/{output}/paths/{path}") == JobOutput(run, output, path)


@given(PATHS, PATHS)
def test_nothing_leads_out_of_where_it_starts(before: list[str], after: list[str]) -> None:
    path = "/".join([*before, "..", *after])
    for text in (f"azureml://datastores/d/paths/{path}", f"azureml://jobs/r/outputs/o/paths/{path}", f"runs:/r/{path}"):
        with pytest.raises(BadPlace, match="leads out"):
            parse_place(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("azureml://registries/azureml/models/m/versions/1", InRegistry("azureml")),
        ("wasbs://c@a.blob.core.windows.net/p", Remote("wasbs://c@a.blob.core.windows.net/p")),
        ("runs:/r/outputs/model", JobOutput("r", "default", "model")),
        (
            "azureml://locations/l/workspaces/w/models/m/labels/latest",
            Asset("m", None, "latest", "locations/l/workspaces/w"),
        ),
    ],
)
def test_other_forms(text: str, place: object) -> None:
    assert parse_place(text) == place


@given(st.text("abcdefghijklmnop0123456789%+", min_size=4, max_size=40))
def test_no_signature_is_left_in_a_url(signature: str) -> None:
    secret = f"S{signature}S"
    for url in (f"https://h/p?sv=1&sig={secret}&x=2", f"https://h/p?SIG={secret}", f"https://user:{secret}@h/p"):
        assert secret not in without_secrets(url) and holds_secret(url)
    for url in ("https://h/p?version=1&x=2#part", "abfss://c@a.dfs.core.windows.net/p", "https://h/p?x"):
        assert without_secrets(url) == url


@pytest.mark.parametrize(
    "key",
    "key api_key apikey apiKey API-KEY subscription-key AWSAccessKeyId accesskey secretKey sig Signature sign"
    " X-Amz-Signature X-Amz-Credential X-Amz-Security-Token token access_token accessToken sessiontoken token2 auth"
    " Authorization oauth_token password passwd pass userpass pwd client_secret clientsecret credential code sas"
    " authkey %73ig".split(),
)
def test_what_is_likely_a_secret(key: str) -> None:
    assert without_secrets(f"https://h/p?x=1&{key}=hush") == f"https://h/p?x=1&{key}=REDACTED"


@pytest.mark.parametrize(
    "key",
    "keyword keywords author authors passenger passage compass monkey turkey design designation assignment sigma signal"
    " tokenizer max_tokens secretary encode codec postcode x se sv name".split(),
)
def test_what_only_contains_the_word_is_none(key: str) -> None:
    assert not holds_secret(f"https://h/p?{key}=cats")
