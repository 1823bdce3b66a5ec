/** Gives each command of the page a button that copies it. */
export function offerCopies(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button.copy")) {
    const code = button.previousElementSibling;
    if (!(code instanceof HTMLElement)) continue;
    button.hidden = false;
    button.setAttribute("aria-label", `Copy ${code.innerText}`);
    button.addEventListener("click", () => {
      button.textContent = copied(code) ? "copied" : "press Ctrl-C";
    });
  }
}

/** The old way works from a file, without a permission and at once. What could not be copied stays selected. */
function copied(code: HTMLElement): boolean {
  const selection = getSelection();
  if (!selection) return false;
  selection.selectAllChildren(code);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the clipboard itself is not to be had on every page
  const isCopied = document.execCommand("copy");
  if (isCopied) selection.removeAllRanges();
  return isCopied;
}
