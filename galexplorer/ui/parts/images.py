"""Pictures that travel inside the page.

Streamlit forgets the file of a picture as soon as a run shows another in its place, and a browser
that asks for the first one a moment later gets a 404: lists that fill and cards that change did so.
"""

import base64


def address(content: bytes, kind: str = "png") -> str:
    """Return a picture as an address that holds it.

    Parameters
    ----------
    content : bytes
    kind : {"png", "jpeg"}

    Examples
    --------
    >>> address(b"GIF", "jpeg")
    'data:image/jpeg;base64,R0lG'
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
