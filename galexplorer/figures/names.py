"""Names from outside in figures: letter by letter, where a library would read them as markup."""

from html import escape


def plotly_name(name: str) -> str:
    """Return a name as Plotly has to be given it, which reads HTML and LaTeX in every text.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> plotly_name("<b>A & B</b> for $5")
    '&lt;b&gt;A &amp; B&lt;/b&gt; for &#36;5'
    """
    return escape(name, quote=False).replace("$", "&#36;")


def matplotlib_name(name: str) -> str:
    r"""Return a name as Matplotlib has to be given it, which reads mathematics between dollars.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> print(matplotlib_name("A $5 B $6"))
    A \$5 B \$6
    """
    return name.replace("$", r"\$")
