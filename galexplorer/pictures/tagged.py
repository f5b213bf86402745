"""Colour pictures as PNG files that say where on the sky they lie: AVM tags."""

import io
from xml.sax.saxutils import escape

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from galexplorer.records.result import View

_XMP = """<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:avm="http://www.communicatingastronomy.org/avm/1.0/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<avm:MetadataVersion>1.2</avm:MetadataVersion>
<avm:Type>Observation</avm:Type>
{tags}
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def tagged_png(view: View, title: str, picture: UInt8[np.ndarray, "h w 3"] | None = None) -> bytes:
    """Return the colour picture of a galaxy as a PNG file with its place on the sky.

    The tags are those of the Astronomy Visualization Metadata 1.2, which Aladin, WorldWide
    Telescope and pyavm read. Without coordinates or orientation the file has a title alone.

    Parameters
    ----------
    view : galexplorer.records.result.View
    title : str
    picture : ndarray, shape (h, w, 3), uint8, optional
        The same field in another stretch; the view's own by default.

    Returns
    -------
    bytes
        The reference pixel is the middle, where the galaxy lies to about a pixel. A mirrored
        picture is turned over, since AVM knows the sky only as it is seen from the Earth.
    """
    shown = view.native if picture is None else picture
    if view.mirrored:
        shown = shown[:, ::-1]
    tags = PngInfo()
    tags.add_text("Title", title.encode("latin-1", "replace").decode("latin-1"))
    tags.add_text("Software", "galexplorer")
    tags.add_itxt("XML:com.adobe.xmp", _XMP.format(title=escape(title), tags=_spatial(view)))
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(buffer, "PNG", pnginfo=tags)
    return buffer.getvalue()


def _spatial(view: View) -> str:
    """Return the tags of position, scale and rotation, empty where they are not known."""
    if view.ra is None or view.dec is None or view.north_angle_deg is None:
        return ""
    rows, columns = view.native.shape[:2]
    scale = view.native_pixel_scale_arcsec / 3600
    lists = {
        "ReferenceValue": (view.ra, view.dec),
        "ReferenceDimension": (columns, rows),
        # counted from 1, from the bottom left
        "ReferencePixel": ((columns + 1) / 2, (rows + 1) / 2),
        "Scale": (-scale, scale),
    }
    words = {
        "CoordinateFrame": "ICRS",
        "Equinox": "2000.0",
        # of the y axis, as FITS's CROTA2
        "Rotation": f"{-view.north_angle_deg if view.mirrored else view.north_angle_deg:.6f}",
        "CoordsystemProjection": "TAN",
        "Quality": "Full",
    }
    lines = [f"<avm:Spatial.{k}>{v}</avm:Spatial.{k}>" for k, v in words.items()]
    for name, values in lists.items():
        items = "".join(f"<rdf:li>{value:.10g}</rdf:li>" for value in values)
        lines.append(f"<avm:Spatial.{name}><rdf:Seq>{items}</rdf:Seq></avm:Spatial.{name}>")
    return "\n".join(lines)
