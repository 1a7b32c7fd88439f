// The page that hotreload shows while nobody serves. This request is no browser's for a document, so it waits until a
// worker answers it.
(async () => {
  "use strict";
  for (;;) {
    try {
      await fetch(location.href, { method: "HEAD", cache: "no-store", headers: { "X-Requested-With": "hotreload" } });
      return location.reload();
    } catch {
      await new Promise((again) => setTimeout(again, 1000));
    }
  }
})();
