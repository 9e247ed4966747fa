// What the pages do beyond HTML. Everything works without it.
"use strict";

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  // No answer on a bad connection, or stopped: it may be tried again, and the site is ready to be asked twice.
  setTimeout(() => delete form.dataset.sent, 8000);
});
// Back from the next page, the form may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// The wait for another code.
for (const form of document.querySelectorAll("[data-resend-in]")) {
  const until = Date.now() + Number(form.dataset.resendIn) * 1000;
  const button = form.querySelector("button");
  const text = form.querySelector(".help");
  const shown = form.querySelector("[data-countdown]");
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    if (shown) {
      text.hidden = left <= 0;
      shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    }
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}

// WebOTP: the browser reads the code from the message, where it can.
const code = document.querySelector("input[autocomplete=one-time-code]");
if (code && "OTPCredential" in window) {
  const abort = new AbortController();
  code.form.addEventListener("submit", () => abort.abort());
  navigator.credentials
    .get({ otp: { transport: ["sms"] }, signal: abort.signal })
    .then((otp) => {
      code.value = otp.code;
      code.form.requestSubmit();
    })
    .catch(() => {}); // Refused, or none came: it is typed.
}

// Copy and share.
const textOf = (id) => document.getElementById(id).textContent.trim();
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const status = document.querySelector("[data-copied]");
    status.textContent = "";
    try {
      await navigator.clipboard.writeText(textOf(button.dataset.copy));
      status.textContent = status.dataset.copied;
    } catch {
      // Not allowed to: it is selected, for the person to copy.
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    }
  });
}
for (const button of document.querySelectorAll("[data-share]")) {
  button.hidden = !navigator.share;
  button.addEventListener("click", () => navigator.share({ url: textOf(button.dataset.share) }).catch(() => {}));
}
