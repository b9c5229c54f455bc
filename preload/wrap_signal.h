/* The shim's part of signal handling for the race engine. */
#ifndef TW_WRAP_SIGNAL_H
#define TW_WRAP_SIGNAL_H

/* Once, when the engine has started: SIGSEGV is handled from now on, when the program does not. */
void tw_wrap_signal_race(void);
/* Before a signal is sent, while the engine runs: its handler sees what the sender did. */
void tw_wrap_signal_sent(int number);
/* After a signal was waited for, while the engine runs. */
void tw_wrap_signal_taken(int number);
/* Before a thread is cancelled, while the engine runs: the cancellation does not strike in the middle of its work. */
void tw_wrap_signal_cancels(void);
/* Puts tw_sample_trap in front of the program's handler of SIGTRAP, and lets that signal through. */
void tw_wrap_signal_traps(void);

#endif
