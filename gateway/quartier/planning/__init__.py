"""Plans ahead: what a battery should do in the coming steps, and why; pure, without a clock."""
