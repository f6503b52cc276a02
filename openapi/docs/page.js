// Runs after Redoc's bundle, in the same module.

// Redoc renders only what comes into view. Rendering the rest in idle time makes everything searchable, printable and
// linkable.
globalThis.IntersectionObserver = class {
  constructor(callback) {
    this.callback = callback;
  }
  observe(target) {
    requestIdleCallback(() => this.callback([{ target, isIntersecting: true }], this), { timeout: 200 });
  }
  unobserve() {}
  disconnect() {}
};

const { contract, downloadUrls } = JSON.parse(document.getElementById("data").textContent);
init(
  contract,
  {
    disableTelemetry: true,
    hideLoading: true,
    downloadUrls,
    schemaDefinitionsTagName: "Schemas",
    schemasExpansionLevel: "all",
    jsonSamplesExpandLevel: "all",
    codeSamples: {
      languages: ["curl", "TypeScript", "Python", "PHP"].map((lang) => ({ lang })),
    },
  },
  document.getElementById("redoc"),
);

document.addEventListener("click", async ({ target }) => {
  if (!target.matches(".example button")) return;
  try {
    await navigator.clipboard.writeText(target.nextSibling.textContent);
    target.textContent = "Copied";
  } catch {
    // Forbidden, or absent because the page is neither on this machine nor on HTTPS.
    target.textContent = "Select the code and copy it";
  }
  setTimeout(() => {
    target.textContent = "Copy";
  }, 2_000);
});
