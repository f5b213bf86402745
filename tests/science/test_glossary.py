"""Words of the field: each in plain sentences, and few enough for a hint."""

import pytest

from galexplorer.schema import BPT_CLASSES
from galexplorer.science.glossary import GLOSSARY, explain
from galexplorer.science.summary import BPT_LABELS


def test_each_is_a_sentence_that_a_hint_can_hold():
    for word, words in GLOSSARY.items():
        assert words.endswith("."), word
        assert len(words) < 300, word
        assert words[0].isupper() or word == "12 + log(O/H)", word


def test_the_classes_and_the_words_of_the_page_are_there():
    assert {BPT_LABELS[name] for name in BPT_CLASSES} <= set(GLOSSARY)
    assert {"Posterior", "Draw", "dex", "Latent space", "BPT diagram"} <= set(GLOSSARY)


def test_a_hint_explains_what_it_is_asked_for_and_knows_no_other():
    assert explain("LINER", "dex") == (
        f"**LINER**: {GLOSSARY['LINER']}\n\n**dex**: {GLOSSARY['dex']}"
    )
    with pytest.raises(KeyError):
        explain("parsec")
