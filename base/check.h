#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* CHECK states what our own code guarantees. It stays in release builds: a
 * ledger that goes on after a broken promise is worse than one that stops. What
 * a peer, a file or a user sent is refused with an enum err, never CHECKed. */
#define CHECK(cond)                                                            \
    do {                                                                       \
        if (__builtin_expect(!(cond), 0))                                      \
            check_failed(__FILE__, __LINE__, #cond);                           \
    } while (0)

/* Prints "file:line: CHECK(cond) failed" to stderr and aborts. */
__attribute__((noreturn)) void check_failed(const char *file, int line,
                                            const char *cond);

#endif
