"""Turkish suffixes for the words that fill a frame: vowel harmony, buffer letters and the apostrophe."""

import re

BACK = "aıou"
VOWELS = "aıoueiöü"
VOICELESS = "fstkçşhp"
HIGH = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "i": "i", "ö": "ü", "ü": "ü"}

# A is a or e; I is ı, i, u or ü; D is d or t; a letter in brackets stands only after a vowel.
SUFFIXES = {
    "acc": "(y)I",
    "dat": "(y)A",
    "loc": "DA",
    "abl": "DAn",
    "gen": "(n)In",
    "dir": "DIr",
    "lik": "lIk",
    "pos": "(s)I",
    "posdir": "(s)IdIr",
    "posloc": "(s)IndA",
    "posabl": "(s)IndAn",
}
DIGITS = ("sıfır", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz")
TENS = ("", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan")
# How an abbreviation or a foreign name is read aloud, where that decides the suffix.
READINGS = {"GB": "gigabayt", "TL": "tele", "ABD": "abede", "Lite": "layt", "Plus": "plas"}
# Words that already bear a possessive: they take an n before a case (çağrı merkezi, çağrı merkezinden).
COMPOUNDS = frozenset({"merkezi", "sitesi", "hattı", "çalışanları", "mezunları"})


def lower(text: str) -> str:
    """Lower-case `text` as Turkish does: I becomes ı, İ becomes i."""
    return text.replace("I", "ı").replace("İ", "i").lower()


def capitalise(text: str) -> str:
    """Give a sentence its capital letter as Turkish does: i becomes İ."""
    return text[0].replace("i", "İ").upper() + text[1:]


def read_number(number: int) -> str:
    """Return the last word of `number` read aloud: 40 is kırk, 250 is elli, 1500 is beş yüz, so yüz."""
    if number % 10:
        return DIGITS[number % 10]
    if number % 100:
        return TENS[number // 10 % 10]
    if number % 1000:
        return "yüz"
    return "bin" if number else DIGITS[0]


def inflect(text: str, case: str) -> str:
    """Put the suffix called `case` on the last word of `text`.

    Names, numbers and abbreviations take an apostrophe, common nouns do not: 25'i, 40'ı, 20 GB'lık,
    249 TL'dir, 12 Ağustos'ta, öğrencilere, çağrı merkezinden.

    Raises:
        KeyError: No suffix has this name; the known ones are the keys of `SUFFIXES`.
    """
    suffix = SUFFIXES[case]
    word = text.rsplit(" ", 1)[-1]
    digits = word.replace(".", "")
    spoken = read_number(int(digits)) if digits.isdigit() else READINGS.get(word, lower(word))
    after_vowel = spoken[-1] in VOWELS
    if word in COMPOUNDS and case in {"acc", "dat", "loc", "abl"}:
        suffix = "n" + re.sub(r"\(.\)", "", suffix)
    suffix = re.sub(r"\((.)\)", r"\1" if after_vowel else "", suffix)
    vowel, previous, ending = next(letter for letter in reversed(spoken) if letter in VOWELS), spoken[-1], ""
    for letter in suffix:
        if letter == "A":
            letter = vowel = "a" if vowel in BACK else "e"
        elif letter == "I":
            letter = vowel = HIGH[vowel]
        elif letter == "D":
            letter = "t" if previous in VOICELESS else "d"
        ending, previous = ending + letter, letter
    apostrophe = "'" if word[0].isdigit() or word[0].isupper() else ""
    return text + apostrophe + ending


class Phrase(str):
    """A word that `str.format` can inflect: "{city:loc}" puts İzmir into the locative, İzmir'de."""

    def __format__(self, case: str) -> str:
        """Return the phrase in `case`, or as it is when no case is asked for."""
        return inflect(str(self), case) if case else str(self)
