// Saves the figure of the dialog as it is previewed, with the reader's own browser.
(() => {
  if (window.takesAway) return;
  window.takesAway = true;
  const SIGNATURE_AND_HEADER = 33; // of a PNG: 8 bytes, and a chunk of 25

  const checksum = (bytes) => { // CRC-32, as PNG (ISO 15948, annex D) asks for it
    let sum = 0xffffffff;
    for (const byte of bytes) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return (sum ^ 0xffffffff) >>> 0;
  };

  // The chunk pHYs: how many dots a metre has, so that the figure keeps its size in print.
  const resolution = (dotsAnInch) => {
    const chunk = new DataView(new ArrayBuffer(21));
    chunk.setUint32(0, 9);
    [..."pHYs"].forEach((letter, at) => chunk.setUint8(4 + at, letter.charCodeAt(0)));
    const dots = Math.round(dotsAnInch / 0.0254);
    chunk.setUint32(8, dots);
    chunk.setUint32(12, dots);
    chunk.setUint8(16, 1); // the unit is the metre
    chunk.setUint32(17, checksum(new Uint8Array(chunk.buffer, 4, 13)));
    return chunk.buffer;
  };

  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button.take-away");
    const chart = button?.closest('[role="dialog"]')?.querySelector(".js-plotly-plot");
    if (!chart || !window.Plotly) return;
    const {format, name} = button.dataset;
    const scale = Number(button.dataset.scale);
    const {width, height} = chart._fullLayout;
    if (format !== "png") {
      window.Plotly.downloadImage(chart, {format, width, height, scale, filename: name});
      return;
    }
    const drawn = await window.Plotly.toImage(chart, {format, width, height, scale});
    const bytes = Uint8Array.from(atob(drawn.split(",")[1]), (letter) => letter.charCodeAt(0));
    const parts = [bytes.slice(0, SIGNATURE_AND_HEADER), resolution(96 * scale),
      bytes.slice(SIGNATURE_AND_HEADER)];
    save(new Blob(parts, {type: "image/png"}), `${name}.png`);
  });
})();
