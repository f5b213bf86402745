// A picture of a diagram that tells the values under the pointer.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".diagram");
  const image = root.querySelector("img");
  const words = root.querySelector("output");
  const { frame } = data;
  if (image.src !== data.picture) image.src = data.picture;
  image.alt = data.alt;

  const told = ([name, low, high], share) =>
    `${name} ${(low + share * (high - low)).toFixed(2).replace("-", "\u2212")}`;
  root.onpointermove = (event) => {
    const box = image.getBoundingClientRect();
    const scale = frame.width / box.width;
    const x = (event.clientX - box.x) * scale, y = (event.clientY - box.y) * scale;
    const across = (x - frame.left) / (frame.right - frame.left);
    const up = (frame.bottom - y) / (frame.bottom - frame.top);
    words.hidden = !(across >= 0 && across <= 1 && up >= 0 && up <= 1);
    if (words.hidden) return;
    words.textContent = `${told(frame.axes[0], across)}, ${told(frame.axes[1], up)}`;
    const right = box.width - words.offsetWidth;
    words.style.left = `${Math.max(0, Math.min(event.clientX - box.x + 12, right))}px`;
    words.style.top = `${Math.max(0, event.clientY - box.y - 30)}px`;
  };
  root.onpointerleave = () => { words.hidden = true; };
}
