/** The words of the states a live message may name without a label; templates have the same in macros/state.html. */
import { _ } from "./texts.js";

const WORDS = {
  running: () => _("Running"),
  starting: () => _("Starting"),
  stopping: () => _("Stopping"),
  offline: () => _("Offline"),
  online: () => _("Online"),
  installing: () => _("Installing"),
  reinstalling: () => _("Reinstalling"),
  install_failed: () => _("Installation failed"),
  crashed: () => _("Crashed"),
  suspended: () => _("Suspended"),
  transferring: () => _("Transferring"),
  restoring: () => _("Restoring"),
  unreachable: () => _("Unreachable"),
  maintenance: () => _("Maintenance"),
  queued: () => _("Queued"),
  working: () => _("Working"),
  succeeded: () => _("Succeeded"),
  failed: () => _("Failed"),
  cancelled: () => _("Cancelled"),
};

/** "install_failed" -> "Installation failed"; a state nobody knows is shown as it is written. */
export const stateWords = (state) => WORDS[state]?.() ?? state.charAt(0).toUpperCase() + state.slice(1).replaceAll("_", " ");
