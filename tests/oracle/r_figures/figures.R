# Writes figures.tsv: what R says (lme4, clubSandwich), which test_r_figures.py compares with. Not part of the tests.
# Rscript figures.R path/to/published/accuracy.tsv
suppressMessages({library(lme4); library(clubSandwich)})
rows <- list()
keep <- function(data, method, estimate, stderr, df = NA) {
  terms <- c("intercept", "parameters", "tokens", "interaction")
  rows[[length(rows) + 1]] <<- data.frame(data, method, term = terms, estimate, stderr, df)
}
z <- function(x) as.numeric(scale(x))
# One optimizer alone stops short on some tasks (bobyqa on Sig Figs), so the best of three is taken.
best <- function(formula, d) {
  fits <- lapply(c("bobyqa", "Nelder_Mead", "nloptwrap"), function(name)
    suppressWarnings(lmer(formula, d, REML = TRUE, control = lmerControl(optimizer = name))))
  fits[[which.min(sapply(fits, REMLcrit))]]
}
both <- function(d, data, nested) {
  d <- transform(d, y = z(value), s = z(log10(parameters)), t = z(log10(tokens)), size = factor(parameters))
  formula <- if (nested) y ~ s * t + (1 + t | size) + (1 + t | size:model) else y ~ s * t + (1 + t | model)
  fit <- best(formula, d)
  keep(data, "mixed", fixef(fit), sqrt(diag(as.matrix(vcov(fit)))))
  ols <- lm(y ~ s * t, d)
  robust <- coef_test(ols, vcov = "CR2", cluster = d$size, test = "Satterthwaite")
  keep(data, "cr2", robust$beta, robust$SE, robust$df_Satt)
}
p <- read.delim(commandArgs(TRUE)[1])
p$model <- sub("EleutherAI/", "", p$ModelName)
sizes <- c("pythia-70m" = 70e6, "pythia-160m" = 160e6, "pythia-410m" = 410e6, "pythia-1b" = 1e9, "pythia-1.4b" = 1.4e9,
           "pythia-2.8b" = 2.8e9, "pythia-6.9b" = 6.9e9, "pythia-12b" = 12e9)
p$parameters <- sizes[p$model]
p$tokens <- as.numeric(sub("step", "", p$ModelRevision)) * 2097152
p$value <- p$Accuracy
for (task in unique(p$Task)) both(p[p$Task == task, ], task, FALSE)
both(read.delim("nested.tsv"), "nested", TRUE)
q <- read.delim("questions.tsv", colClasses = c(right = "character"))
long <- do.call(rbind, lapply(seq_len(nrow(q)), function(i) {
  right <- as.integer(strsplit(q$right[i], "")[[1]])
  data.frame(model = q$model[i], parameters = q$parameters[i], tokens = q$tokens[i], question = seq_along(right), right)
}))
long <- transform(long, s = z(log10(parameters)), t = z(log10(tokens)))
fit <- glmer(right ~ s * t + (1 + t | model) + (1 | question), long, family = binomial,
             control = glmerControl(optimizer = "bobyqa", check.conv.singular = "ignore"))
keep("questions", "glmer", fixef(fit), sqrt(diag(as.matrix(vcov(fit)))))
print(VarCorr(fit))
write.table(do.call(rbind, rows), "figures.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
